"""Maintenance steps: repair what a crash left half done, and request the runs that are due from Prefect."""

from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.core.crash_points import crash_point
from abreast.lifecycle import promoter, review
from abreast.lifecycle.clones import remove_ended_clones
from abreast.lifecycle.review_tags import review_by_tags
from abreast.services.prefect_api import PrefectApi
from abreast.services.services import Services

# An intake that runs longer has probably died; nothing waits for it.
INTAKE_TIME = timedelta(minutes=10)


@task(cache_policy=NO_CACHE)
def sweep_promotions(services: Services) -> int:
    """Finish or revert half-done promotions, align the aliases with the ledger; return how many were repaired."""
    return len(promoter.reconcile_promotions(services.ledger, services.registry))


@task(cache_policy=NO_CACHE)
def sweep_workspaces(services: Services) -> list[str]:
    """Remove the clones that a killed update left behind when it had ended; return the updates' ids."""
    return remove_ended_clones(services.project, services.ledger)


@task(cache_policy=NO_CACHE)
def sweep_reviews(services: Services) -> int:
    """Finish half-done reviews and carry out those requested by tags in MLflow; return how many there were."""
    done = review.reconcile_reviews(services.ledger, services.registry) + review_by_tags(
        services.ledger, services.registry
    )
    print("\n".join(done) or "no review was left")
    return len(done)


@task(cache_policy=NO_CACHE)
def request_update(services: Services, leave_to_intake: bool = False) -> bool:
    """Request an update if drops wait or an update was cut off; return whether it was requested.

    With `leave_to_intake`, a running intake makes the request at its end, so that drops that arrive together are
    learned together.
    """
    ledger, line = services.ledger, services.line
    cut_off = ledger.updates.live(line) is not None and ledger.updates.running(line) is None
    if not cut_off and (not ledger.updates.waiting(line) or (leave_to_intake and _intake_runs(services))):
        return False
    _request(services, "update")
    return True


@task(cache_policy=NO_CACHE)
def request_intake(services: Services) -> None:
    """Request an intake."""
    _request(services, "intake")


def _request(services: Services, flow: str) -> None:
    """Start a run unless one is scheduled already, which will see everything that is new when it starts."""
    api = PrefectApi(services.project.prefect_api)
    if not api.has_run(flow, ("SCHEDULED", "PENDING")):
        crash_point("request.wanted")
        api.start(f"{flow}/{flow}")
        crash_point("request.asked")


def _intake_runs(services: Services) -> bool:
    api = PrefectApi(services.project.prefect_api)
    return api.has_run("intake", ("RUNNING",), since=datetime.now(UTC) - INTAKE_TIME)
