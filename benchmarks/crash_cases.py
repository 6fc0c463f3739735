"""The crash points by case: the state before, the flow that reaches them, and the check after the flow ran again."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from abreast.lifecycle import promoter
from abreast.lifecycle.clones import remove_ended_clones
from benchmarks import crash_invariants
from benchmarks.crash_installation import FIRST, SECOND, CrashInstallation
from tests.flows.drops import rows

InvariantCheck = Callable[[CrashInstallation, str], list[str]]


@dataclass(frozen=True)
class CrashCase:
    """One state of `CrashInstallation.prepare`, and the flow that is killed there and run again.

    `setup` changes the state first; `check` returns the faults at the end."""

    state: str
    flow: str
    check: InvariantCheck
    points: tuple[str, ...]
    setup: Callable[[CrashInstallation], None] = field(default=lambda installation: None)


def _points(part: str, steps: str) -> tuple[str, ...]:
    return tuple(f"{part}.{step}" for step in steps.split())


def _good_drop(installation: CrashInstallation) -> None:
    installation.deliver("02-second.jsonl", rows(SECOND, "2024-02-01"))


def _bad_drop(installation: CrashInstallation) -> None:
    installation.deliver("02-bad.jsonl", ["{", *rows(FIRST, "2024-02-01")])


def _not_in_run_cache(stage: str) -> Callable[[CrashInstallation], None]:
    """Delete the run cache of one stage, so that the stage runs."""

    def forget(installation: CrashInstallation) -> None:
        for entry in (installation.root / ".abreast/cache/runs").glob("*/*/*"):
            if f"-m {stage}" in entry.read_text():
                shutil.rmtree(entry.parent)

    return forget


def _aliases_moved(installation: CrashInstallation) -> None:
    installation.services.registry.set_alias("champion", 1)
    installation.services.registry.set_alias("previous", None)


def _files_changed(installation: CrashInstallation) -> None:
    """Promote v2 by half, then change its digest in MLflow."""
    installation.run("update", "promoter.intended")
    installation.mark.unlink()
    installation.services.registry._tag(2, "abreast.digest", "0" * 64)


def _stage(module: str, *points: str) -> CrashCase:
    return CrashCase("waiting", "update", crash_invariants.check_update, points, _not_in_run_cache(module))


CASES = (
    CrashCase(
        "served",
        "intake",
        crash_invariants.check_intake,
        _points("intake", "fetched examined stored settled delivered")
        + _points("store", "written named cached pointed pushed")
        + ("report.intake", *_points("request", "wanted asked")),
        _good_drop,
    ),
    CrashCase(
        "served", "intake", crash_invariants.check_quarantine, ("quarantine.written", "intake.quarantined"), _bad_drop
    ),
    CrashCase(
        "waiting",
        "update",
        crash_invariants.check_update,
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
    CrashCase("first", "update", crash_invariants.check_first_update, _points("record", "experiment named")),
    CrashCase(
        "learned",
        "update",
        crash_invariants.check_update,
        _points("register", "trained recorded judged")
        + _points("record", "run params metrics artifacts logged model_begun model_files model version card finished")
        + _points("workspace", "pushing pushed committed tagged kept")
        + _points("promoter", "leased intended checked kept champion previous done returned")
        + _points("conclude", "written removed")
        + _points("report", "verdict update"),
    ),
    CrashCase("learned", "sweep", crash_invariants.check_revert, ("promoter.reverted",), _files_changed),
    CrashCase("two", "sweep", crash_invariants.check_update, ("promoter.aligned",), _aliases_moved),
)
ELSEWHERE = {
    "review.": "a person's decision is cut off at each of its points by tests/lifecycle/test_review.py",
    "promoter.withdrawn": "the withdrawal of a drop is cut off by tests/lifecycle/test_rollback.py",
    "tune.": "`abreast tune` is killed at each of its points by tests/tuning/test_search.py, on a stage that stands in",
}


def case_of(point: str) -> CrashCase:
    """The case that reaches a point; KeyError if there is none."""
    return {name: case for case in CASES for name in case.points}[point]


def all_points() -> list[str]:
    """Every point of the table, in its order."""
    return [name for case in CASES for name in case.points]


def recover(installation: CrashInstallation, flow: str) -> tuple[str, list[str]]:
    """Run the same flow again, then the sweep; return how the flow ended and what the sweep repaired."""
    code, message = installation.run(flow)
    services = installation.services
    repaired = promoter.reconcile_promotions(services.ledger, services.registry)
    repaired += [f"the clone of {update} removed" for update in remove_ended_clones(services.project, services.ledger)]
    return (message if code == 0 else f"exit {code}: {message}"), repaired
