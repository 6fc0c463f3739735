"""The stage `evaluate`: candidate, champion (the parent) and untrained base are asked the same questions.

The base is asked again with the nearest examples before each question (`in_context`), if
`evaluate.in_context_examples` is above 0.

In: model/, data/questions.jsonl, data/train.jsonl, snapshot.json, the parent's model folder, the sections `model`,
`evaluate` and, for `evaluate.early_stopping`, `gates`.
Out: reports/metrics.json, reports/answers.jsonl, reports/texts.jsonl, reports/retention.csv, reports/retention.png,
reports/slices.csv, reports/safety.json, all of them on what was asked, and reports/stopped.json.
"""

import json
from pathlib import Path
from typing import Any

from abreast.core import stage
from abreast.core.crash_points import crash_point
from abreast.core.settings import Evaluate, load_params
from abreast.dataset.examples import Question, read_examples, read_questions
from abreast.evaluation.blocks import ask_in_blocks
from abreast.evaluation.locality import locality, read_unrelated
from abreast.evaluation.mistyped import accuracy_with_typos
from abreast.evaluation.plots import plot_retention
from abreast.evaluation.safety.safety_checks import safety_figures
from abreast.evaluation.session import EvaluationSession, ModelAnswers
from abreast.evaluation.texts import read_text
from abreast.inference.predictor import load_answerers
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.model_folder import verify
from abreast.metrics.answers import share
from abreast.metrics.correctness import measure
from abreast.metrics.task_metrics import count_by_kind, metrics_by_kind
from abreast.reports.answers import ANSWERS, METRICS, TEXTS, write_answers, write_texts
from abreast.reports.early_stop import write_early_stop
from abreast.reports.figures import SAFETY, write_figures
from abreast.reports.tables import by_drop, by_slice, write_table

IN_CONTEXT = "in_context"
WHO = ("base", IN_CONTEXT, "champion", "candidate")
DROPS = ("drop", "name", "questions", *WHO)
SLICES = ("by", "name", "questions", *WHO)
REPORTS = Path("reports")


def main() -> None:
    """Evaluate in the current folder."""
    params, snapshot = load_params(Path()), load_snapshot(Path())
    questions = read_questions(Path("data/questions.jsonl"))
    general, unrelated = read_text(params.evaluate, "general_text"), read_unrelated(params.evaluate)
    folders = {"base": None, "candidate": Path("model")}
    if snapshot.parent is not None:
        verify(snapshot.parent.model, snapshot.parent.digest)
        folders["champion"] = snapshot.parent.model
    answerers = load_answerers(folders, params.model, params.evaluate)
    session, heard, stopped, planned = EvaluationSession(questions, general, params), {}, None, _counts(questions)
    if params.evaluate.early_stopping:
        stage.progress("evaluate", 0, len(folders), "asking until the gates are settled")
        questions, stopped = ask_in_blocks(session, questions, answerers, folders, params)
        session = session.on(questions)
    for done, who in enumerate(name for name in WHO if name in folders):
        stage.progress("evaluate", done, len(folders), f"asking the {who}")
        heard[who] = session.ask(answerers[who], folders[who])
    examples = read_examples(Path("data/train.jsonl"))
    if params.evaluate.in_context_examples:
        stage.progress("evaluate", len(folders), len(folders), "asking the base with examples")
        heard[IN_CONTEXT] = session.ask_with_examples(answerers["base"], heard["base"], examples)
    REPORTS.mkdir(exist_ok=True)
    metrics = _metrics(questions, heard, params.evaluate) | {"planned": planned}
    (REPORTS / METRICS).write_text(json.dumps(metrics, indent=1) + "\n")
    crash_point("evaluate.metrics")
    _write(questions, heard, params.evaluate.tolerance)
    asked, said = _part(questions, heard, text=False)
    figures = safety_figures(answerers["candidate"], asked, said["candidate"], examples, params.evaluate.triggers)
    figures |= locality(session, answerers, folders, unrelated)
    write_figures(REPORTS / SAFETY, figures | accuracy_with_typos(answerers, asked, params.evaluate))
    write_early_stop(REPORTS, stopped)


def _metrics(questions: list[Question], heard: dict[str, ModelAnswers], limits: Evaluate) -> dict[str, Any]:
    """What reports/metrics.json holds; only what is answered counts as a question, raw text is there by kind."""
    asked, said = _part(questions, heard, text=False)
    metrics: dict[str, Any] = dict.fromkeys(reversed(WHO))
    by_kind = {kind: {"counts": counts} | dict(metrics) for kind, counts in count_by_kind(questions).items()}
    for who, of in heard.items():
        metrics[who] = measure(asked, said[who], of.perplexity, limits.tolerance)
        for kind, figures in metrics_by_kind(questions, of.said, limits.tolerance).items():
            by_kind[kind][who] = figures
    if IN_CONTEXT in heard:
        metrics[IN_CONTEXT]["examples"] = limits.in_context_examples
    return metrics | {"counts": _counts(questions)} | _router(heard) | {"by_kind": by_kind}


def _counts(questions: list[Question]) -> dict[str, int]:
    asked = [question for question in questions if question.kind != "text"]
    current = sum(question.scope == "current" for question in asked)
    stale = sum(bool(question.stale) for question in asked)
    return {"current": current, "retained": len(asked) - current, "superseded": stale}


def _router(heard: dict[str, ModelAnswers]) -> dict[str, dict[str, float | None]]:
    """Of models with experts the share of questions that went to the expert of their domain, where there was one."""
    sent = {who: [right for right in of.sent if right is not None] for who, of in heard.items() if of.sent is not None}
    return {"router": {who: share(right) for who, right in sent.items()}} if sent else {}


def _write(questions: list[Question], heard: dict[str, ModelAnswers], tolerance: float) -> None:
    """The answers, how raw text was foreseen, and who was right by drop and by slice."""
    asked, said = _part(questions, heard, text=False)
    right = write_answers(REPORTS / ANSWERS, asked, said, tolerance)
    write_texts(REPORTS / TEXTS, *_part(questions, heard, text=True))
    rows = by_drop(asked, right)
    write_table(REPORTS / "retention.csv", DROPS, rows)
    write_table(REPORTS / "slices.csv", SLICES, by_slice(asked, right))
    crash_point("evaluate.tables")
    plot_retention(rows, REPORTS / "retention.png")


def _part(
    questions: list[Question], heard: dict[str, ModelAnswers], text: bool
) -> tuple[list[Question], dict[str, list[Any] | None]]:
    """Raw text, or else what is answered, and what each model made of it; None for one that there is not."""
    places = [place for place, question in enumerate(questions) if (question.kind == "text") == text]
    said = {who: [heard[who].said[place] for place in places] if who in heard else None for who in WHO}
    return [questions[place] for place in places], said


if __name__ == "__main__":
    stage.run(main)
