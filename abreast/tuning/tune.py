"""`abreast tune` from its beginning to its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.tracking.mlflow_api import MlflowDoor
from abreast.tuning.diary import Diary
from abreast.tuning.prepared import Prepared, prepare, snapshot_for
from abreast.tuning.report import write_report
from abreast.tuning.results import Tried, ranked, tried
from abreast.tuning.search import Search, open_study
from abreast.tuning.space import read_space

SPACES = Path(__file__).parent
PREPARED = ("split", "knowledge", "model", "train")
"""The sections of params.yaml that the stages up to `train` read."""


@dataclass(frozen=True)
class Found:
    """A study's name, its page in MLflow, and its trials from best to worst, the first one complete."""

    study: str
    page: str
    trials: list[Tried]


def tune(
    project: Project,
    trials: int,
    space: Path | None = None,
    delivery: Path | None = None,
    seconds: float | None = None,
    told: Callable[[int, str], None] = lambda done, note: None,
) -> Found:
    """Search for better knobs on the snapshot at the desk; equal inputs go on with the study that they began.

    Args:
        trials: how many the study shall have.
        space: the file of the search space; without one, that for a first model or for one with a parent.
        delivery: a clean folder that a first model learns, in place of the snapshot at the desk.
        seconds: no trial is begun after so many.
        told: called with the trials done and a note.

    Raises:
        AbreastError: the space, the data or MLflow is at fault, the study is at work elsewhere, or no trial succeeded.
    """
    snapshot = snapshot_for(project, delivery)
    path = space or SPACES / ("update.yaml" if snapshot.parent else "first.yaml")
    searched = read_space(path, project.params)
    door = MlflowDoor(project.mlflow_uri)
    door.ping()
    told(0, "preparing the data")
    knobs = searched.without(project.params)
    about = {"knobs": {section: knobs[section] for section in PREPARED}, "space": searched.described()}
    prepared = prepare(project, snapshot, delivery, about)
    with _alone(prepared), door.client() as client:
        study = open_study(prepared, project.params.train.seed)
        diary = Diary(client, f"{project.params.model.name}-tuning", prepared.study, searched.described())
        Search(project, searched, prepared, study, diary, told).run(trials, seconds)
        found = ranked(tried(study))
        if not found or found[0].outcome != "complete":
            why = f"trial {found[-1].number}: {found[-1].reason}" if found else "none was begun"
            raise AbreastError(f"no trial of study {prepared.study} succeeded; {why}")
        write_report(prepared.folder / "report", study, found, project.params)
        diary.close(_figures(found), prepared.folder / "report")
    return Found(prepared.study, diary.page(door.uri), found)


def _figures(found: list[Tried]) -> dict[str, float]:
    """What the study's run shows: the best trial, and how many ended in which way."""
    best = found[0]
    counts = {kind: sum(one.outcome == kind for one in found) for kind in ("complete", "pruned", "failed")}
    return {"objective": best.value, "best_dev_exact_match": best.dev_exact_match, "best_trial": best.number} | counts


@contextmanager
def _alone(prepared: Prepared) -> Iterator[None]:
    """One search at a time in a study."""
    try:
        with FileLock(prepared.folder / "lock", timeout=0):
            yield
    except Timeout:
        raise AbreastError(f"another `abreast tune` is at work on study {prepared.study}; wait for its end") from None
