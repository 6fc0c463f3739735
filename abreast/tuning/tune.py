"""A whole study, as `abreast tune` runs it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.tracking.mlflow_api import MlflowApi
from abreast.tuning.prepared_study import PreparedStudy, prepare, snapshot_for
from abreast.tuning.report import write_study_report
from abreast.tuning.results import TrialResult, finished_trials, rank
from abreast.tuning.search import Search, open_study
from abreast.tuning.space import read_space
from abreast.tuning.study_tracking import StudyTracking

SPACES = Path(__file__).parent
SECTIONS_READ = ("split", "knowledge", "model", "train")
"""The sections of params.yaml that the stages up to `train` read."""


@dataclass(frozen=True)
class StudyResult:
    """A study's name, its page in MLflow, and its trials from best to worst, the first one complete."""

    study: str
    page: str
    trials: list[TrialResult]


def run_study(
    project: Project,
    trials: int,
    space: Path | None = None,
    delivery: Path | None = None,
    seconds: float | None = None,
    on_progress: Callable[[int, str], None] = lambda done, note: None,
) -> StudyResult:
    """Search for better knobs on the snapshot in the working tree; equal inputs continue their earlier study.

    Args:
        trials: how many the study has at its end.
        space: the file of the search space; by default the shipped one for a first model or for one with a parent.
        delivery: a clean folder that a first model learns, in place of the snapshot.
        seconds: no trial starts after so many.
        on_progress: called with the number of finished trials and a note.

    Raises:
        AbreastError: the space, the data or MLflow is at fault, another process runs the study, or no trial succeeded.
    """
    snapshot = snapshot_for(project, delivery)
    path = space or SPACES / ("space_update.yaml" if snapshot.parent else "space_first_model.yaml")
    search_space = read_space(path, project.params)
    api = MlflowApi(project.mlflow_uri)
    api.ping()
    on_progress(0, "preparing the data")
    knobs = search_space.without(project.params)
    about = {"knobs": {section: knobs[section] for section in SECTIONS_READ}, "space": search_space.described()}
    prepared = prepare(project, snapshot, delivery, about)
    with _study_lock(prepared), api.client() as client:
        study = open_study(prepared, project.params.train.seed)
        tracking = StudyTracking(
            client, f"{project.params.model.name}-tuning", prepared.study, search_space.described()
        )
        Search(project, search_space, prepared, study, tracking, on_progress).run(trials, seconds)
        ranked = rank(finished_trials(study))
        if not ranked or ranked[0].outcome != "complete":
            why = f"trial {ranked[-1].number}: {ranked[-1].reason}" if ranked else "none was started"
            raise AbreastError(f"no trial of study {prepared.study} succeeded; {why}")
        write_study_report(prepared.folder / "report", study, ranked, project.params)
        tracking.finish_study(_summary(ranked), prepared.folder / "report")
    return StudyResult(prepared.study, tracking.page(api.uri), ranked)


def _summary(ranked: list[TrialResult]) -> dict[str, float]:
    """The metrics of the study's run: the best trial, and how many trials had each outcome."""
    best = ranked[0]
    counts = {kind: sum(one.outcome == kind for one in ranked) for kind in ("complete", "pruned", "failed")}
    return {"objective": best.value, "best_dev_exact_match": best.dev_exact_match, "best_trial": best.number} | counts


@contextmanager
def _study_lock(prepared: PreparedStudy) -> Iterator[None]:
    """Let one process at a time run the study."""
    try:
        with FileLock(prepared.folder / "lock", timeout=0):
            yield
    except Timeout:
        raise AbreastError(f"another `abreast tune` runs study {prepared.study}; wait for its end") from None
