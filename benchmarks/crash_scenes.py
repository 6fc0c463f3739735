"""Which crash points are reached where: from which state, by which flow, and what must hold when it was run again."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from abreast.lifecycle import promoter
from abreast.lifecycle.clones import remove_ended_clones
from benchmarks import crash_faults as faults
from benchmarks.crash_site import FIRST, SECOND, Site
from tests.flows.drops import rows

Check = Callable[[Site, str], list[str]]


@dataclass(frozen=True)
class Scene:
    """A state of `Site.prepare`, what is laid in it, the flow that is killed and run again, and the last check."""

    state: str
    flow: str
    check: Check
    points: tuple[str, ...]
    lay: Callable[[Site], None] = field(default=lambda site: None)


def _points(part: str, steps: str) -> tuple[str, ...]:
    return tuple(f"{part}.{step}" for step in steps.split())


def _good_drop(site: Site) -> None:
    site.deliver("02-second.jsonl", rows(SECOND, "2024-02-01"))


def _bad_drop(site: Site) -> None:
    site.deliver("02-bad.jsonl", ["{", *rows(FIRST, "2024-02-01")])


def _not_in_run_cache(stage: str) -> Callable[[Site], None]:
    """What DVC remembers of one stage is forgotten, so that it runs."""

    def forget(site: Site) -> None:
        for entry in (site.root / ".abreast/cache/runs").glob("*/*/*"):
            if f"-m {stage}" in entry.read_text():
                shutil.rmtree(entry.parent)

    return forget


def _aliases_moved(site: Site) -> None:
    site.services.registry.set_alias("champion", 1)
    site.services.registry.set_alias("previous", None)


def _files_changed(site: Site) -> None:
    """v2 is half promoted, and then its digest in MLflow is another."""
    site.run("update", "promoter.intended")
    site.mark.unlink()
    site.services.registry._tag(2, "abreast.digest", "0" * 64)


def _stage(module: str, *points: str) -> Scene:
    return Scene("waiting", "update", faults.of_update, points, _not_in_run_cache(module))


SCENES = (
    Scene(
        "served",
        "intake",
        faults.of_intake,
        _points("intake", "fetched examined stored settled delivered")
        + _points("store", "written named cached pointed pushed")
        + ("report.intake", *_points("request", "wanted asked")),
        _good_drop,
    ),
    Scene("served", "intake", faults.of_quarantine, ("quarantine.written", "intake.quarantined"), _bad_drop),
    Scene(
        "waiting",
        "update",
        faults.of_update,
        ("claim.made", *_points("ledger", "written committed"))
        + _points("workspace", "cloned configured laid ready")
        + _points("stage", "wanted done"),
    ),
    _stage("abreast.knowledge.assemble", "assemble.knowledge"),
    _stage("abreast.contract.validate", "validate.reported"),
    _stage("abreast.dataset.split", "split.examples"),
    _stage(
        "abreast.learning.trainer.train", *_points("checkpoint", "written named"), *_points("train", "model reported")
    ),
    _stage("abreast.evaluation.evaluate", *_points("evaluate", "metrics tables")),
    Scene("first", "update", faults.of_first_update, _points("record", "experiment named")),
    Scene(
        "learned",
        "update",
        faults.of_update,
        _points("register", "trained recorded judged")
        + _points("record", "run params metrics artifacts logged model_begun model_files model version card finished")
        + _points("workspace", "pushing pushed committed tagged kept")
        + _points("promoter", "leased intended checked kept champion previous done returned")
        + _points("conclude", "written removed")
        + _points("report", "verdict update"),
    ),
    Scene("learned", "sweep", faults.of_revert, ("promoter.reverted",), _files_changed),
    Scene("two", "sweep", faults.of_update, ("promoter.aligned",), _aliases_moved),
)
ELSEWHERE = {
    "review.": "a person's decision is cut off at each of its points by tests/lifecycle/test_review.py",
    "promoter.withdrawn": "the withdrawal of a drop is cut off by tests/lifecycle/test_rollback.py",
    "tune.": "`abreast tune` is killed at each of its points by tests/tuning/test_search.py, on a stage that stands in",
}


def scene_of(point: str) -> Scene:
    """The scene in which a point is reached; KeyError if there is none."""
    return {name: scene for scene in SCENES for name in scene.points}[point]


def all_points() -> list[str]:
    """Every point of the table, in its order."""
    return [name for scene in SCENES for name in scene.points]


def recover(site: Site, flow: str) -> tuple[str, list[str]]:
    """The same flow again, then what the sweep does: how the flow ended, and what the sweep mended."""
    code, said = site.run(flow)
    services = site.services
    mended = promoter.reconcile_promotions(services.ledger, services.registry)
    mended += [f"the clone of {update} removed" for update in remove_ended_clones(services.project, services.ledger)]
    return (said if code == 0 else f"exit {code}: {said}"), mended
