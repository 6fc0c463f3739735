"""The checks of `abreast doctor`: each finding says what is wrong and what would be right."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx

from abreast.core.errors import AbreastError
from abreast.learning.backbone.base_model import PACKAGED
from abreast.learning.backbone.packaged_models import find_packaged
from abreast.services.prefect_api import PrefectApi
from abreast.services.services import Services
from abreast.services.supervisor import Supervisor

LOW_DISK_GB = 2.0


@dataclass(frozen=True)
class Check:
    """What one check found; `state` is ok, warn or bad."""

    name: str
    state: str
    finding: str


def run_checks() -> list[Check]:
    """Run all checks in the order in which an update needs what they check; without a project only the first runs."""
    try:
        services = Services.open()
    except AbreastError as error:
        return [Check("project", "bad", str(error))]
    results = [Check("project", "ok", f"{services.project.root}, knobs are well-formed"), *_working_tree(services)]
    for name, check in CHECKS.items():
        try:
            state, finding = check(services)
        except AbreastError as error:
            state, finding = "bad", str(error)
        results.append(Check(name, state, finding))
    return results


def _working_tree(services: Services) -> Iterator[Check]:
    if changed := services.project.uncommitted():
        listed = ", ".join(changed[:5])
        yield Check("working tree", "warn", f"uncommitted: {listed}; an update runs on the commit and does not see it")
    else:
        yield Check("working tree", "ok", f"clean at {services.project.commit()[:12]}")


def _disk(services: Services) -> tuple[str, str]:
    free = shutil.disk_usage(services.project.root).free / 1e9
    finding = f"{free:.1f} GB free; an update of the packaged model needs about {LOW_DISK_GB:.0f} GB"
    return ("ok" if free > LOW_DISK_GB else "bad"), finding


def _base(services: Services) -> tuple[str, str]:
    base = services.project.params.model.base
    if not base.startswith(PACKAGED):
        return "ok", f"{base} (loaded when it is needed)"
    find_packaged(base.removeprefix(PACKAGED))
    return "ok", base


def _ledger(services: Services) -> tuple[str, str]:
    return "ok", f"{len(services.ledger.drops.all())} drops, {services.project.params.storage.ledger}"


def _inbox(services: Services) -> tuple[str, str]:
    incomplete = services.inbox.incomplete()
    if incomplete:
        return "warn", f"{services.project.params.intake.inbox}: not complete, left alone: {'; '.join(incomplete[:5])}"
    return "ok", services.project.params.intake.inbox


def _server(name: str, address: str, health: str, start: str) -> tuple[str, str]:
    try:
        httpx.get(health, timeout=5).raise_for_status()
    except httpx.HTTPError as error:
        return "bad", f"{name} does not answer at {address} ({error or type(error).__name__}); {start}"
    return "ok", address


def _prefect(services: Services) -> tuple[str, str]:
    return _server(
        "Prefect", services.project.prefect_api, f"{services.project.prefect_api}/health", "start it with `abreast up`"
    )


def _mlflow(services: Services) -> tuple[str, str]:
    return _server(
        "MLflow", services.project.mlflow_uri, f"{services.project.mlflow_uri}/health", "start it with `abreast up`"
    )


def _programs(services: Services) -> tuple[str, str]:
    states = Supervisor(services.project).states()
    stopped = [f"{name} is {state}" for name, state in states.items() if state != "RUNNING"]
    if not states:
        return "bad", "no supervisor is running; start the services with `abreast up`"
    return ("bad" if stopped else "ok"), ", ".join(stopped or states)


def _sweep(services: Services) -> tuple[str, str]:
    due = PrefectApi(services.project.prefect_api).next_run("sweep")
    if due is None:
        return "bad", (
            "no run is scheduled, so nothing repairs what a crash left or carries out a review by tag; "
            "deploy with `abreast up`, "
            "resume its schedule in Prefect, or see the scheduler's messages in "
            f"{services.project.home.logs / 'prefect.log'}"
        )
    return "ok", f"next at {due.astimezone():%H:%M}"


CHECKS: dict[str, Callable[[Services], tuple[str, str]]] = {
    "disk": _disk,
    "base model": _base,
    "ledger": _ledger,
    "inbox": _inbox,
    "services": _programs,
    "prefect": _prefect,
    "sweep": _sweep,
    "mlflow": _mlflow,
}
