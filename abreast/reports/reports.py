"""All that the stage `evaluate` leaves in `reports/`, as one typed model: written once, read by everyone else."""

from collections.abc import Mapping
from pathlib import Path

from abreast.core.crash_points import crash_point
from abreast.reports.answers import ANSWERS, QuestionResult, parse_answers
from abreast.reports.early_stop import EarlyStop, read_early_stop, write_early_stop
from abreast.reports.figures import SAFETY, Figure, read_figures, write_figures
from abreast.reports.files import parse_json, parse_json_lines, read_report, read_table, write_json_lines, write_table
from abreast.reports.metrics import METRICS, MODELS, EvaluationMetrics, ReportModel
from abreast.reports.tables import BY_DROP, BY_SLICE, DropRow, SliceRow
from abreast.reports.texts import TEXTS, TextResult


class Reports(ReportModel):
    """The results of one evaluation.

    `figures` are single measures by name, also those that other tasks of an update add (serving, drift). `stopped` is
    None where all questions were asked.
    """

    metrics: EvaluationMetrics
    answers: tuple[QuestionResult, ...] = ()
    texts: tuple[TextResult, ...] = ()
    figures: Mapping[str, Figure] = {}
    stopped: EarlyStop | None = None
    by_drop: tuple[DropRow, ...] = ()
    by_slice: tuple[SliceRow, ...] = ()


def write_reports(folder: Path, reports: Reports) -> None:
    """Write all of it into `folder`; the figures become reports/safety.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / METRICS).write_text(reports.metrics.model_dump_json(indent=1) + "\n", encoding="utf-8")
    crash_point("evaluate.metrics")
    write_json_lines(folder / ANSWERS, reports.answers)
    write_json_lines(folder / TEXTS, reports.texts)
    write_table(folder / BY_DROP, reports.by_drop, ("drop", "name", "questions", *MODELS))
    write_table(folder / BY_SLICE, reports.by_slice, ("by", "name", "questions", *MODELS))
    crash_point("evaluate.tables")
    write_figures(folder / SAFETY, reports.figures)
    write_early_stop(folder, reports.stopped)


def read_reports(folder: Path) -> Reports:
    """Read what `write_reports` wrote, and the figures of other tasks where there are any.

    Raises:
        AbreastError: a file is missing or damaged; the message names file, line and field.
    """
    return Reports(
        metrics=read_metrics(folder),
        answers=parse_answers(read_report(folder / ANSWERS), str(folder / ANSWERS)),
        texts=parse_json_lines(read_report(folder / TEXTS), TextResult, str(folder / TEXTS)),
        figures=read_figures(folder),
        stopped=read_early_stop(folder),
        by_drop=read_table(folder / BY_DROP, DropRow),
        by_slice=read_table(folder / BY_SLICE, SliceRow) if (folder / BY_SLICE).exists() else (),
    )


def read_metrics(folder: Path) -> EvaluationMetrics:
    """Read metrics.json alone; raises as `read_reports`."""
    return parse_json(read_report(folder / METRICS), EvaluationMetrics, str(folder / METRICS))
