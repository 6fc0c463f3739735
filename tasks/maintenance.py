"""What keeps the loop going: mend what a crash left half done, and ask Prefect for the runs that are due."""

from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.core.crash_points import crash_point
from abreast.lifecycle import promoter, review
from abreast.lifecycle.clones import remove_ended_clones
from abreast.lifecycle.review_tags import review_by_tags
from abreast.services.prefect_api import PrefectApi
from abreast.services.services import Services

# An intake that runs for longer has died unnoticed, or is no reason to wait any more.
INTAKE_TIME = timedelta(minutes=10)


@task(cache_policy=NO_CACHE)
def sweep_promotions(services: Services) -> int:
    """Finish or revert half-done promotions and make the aliases agree with the ledger; how many were mended."""
    return len(promoter.reconcile_promotions(services.ledger, services.registry))


@task(cache_policy=NO_CACHE)
def sweep_workspaces(services: Services) -> list[str]:
    """Remove the clones that a killed update left behind when it had ended; which updates they were of."""
    return remove_ended_clones(services.project, services.ledger)


@task(cache_policy=NO_CACHE)
def sweep_reviews(services: Services) -> int:
    """Finish reviews that were left half done and take those asked for by tags in MLflow; how many there were."""
    done = review.reconcile_reviews(services.ledger, services.registry) + review_by_tags(
        services.ledger, services.registry
    )
    print("\n".join(done) or "no review was left")
    return len(done)


@task(cache_policy=NO_CACHE)
def request_update(services: Services, leave_to_intake: bool = False) -> bool:
    """Ask for an update if drops wait or one was cut off; whether that was done.

    With `leave_to_intake`, an intake that is at work is left to ask when it has taken everything, so that drops that
    arrive together are learned together.
    """
    ledger, line = services.ledger, services.line
    cut_off = ledger.updates.live(line) is not None and ledger.updates.running(line) is None
    if not cut_off and (not ledger.updates.waiting(line) or (leave_to_intake and _intake_at_work(services))):
        return False
    _request(services, "update")
    return True


@task(cache_policy=NO_CACHE)
def request_intake(services: Services) -> None:
    """Ask for an intake."""
    _request(services, "intake")


def _request(services: Services, flow: str) -> None:
    """Unless a run waits already: it lists the world anew when it starts, so one is enough."""
    api = PrefectApi(services.project.prefect_api)
    if not api.has_run(flow, ("SCHEDULED", "PENDING")):
        crash_point("request.wanted")
        api.start(f"{flow}/{flow}")
        crash_point("request.asked")


def _intake_at_work(services: Services) -> bool:
    api = PrefectApi(services.project.prefect_api)
    return api.has_run("intake", ("RUNNING",), since=datetime.now(UTC) - INTAKE_TIME)
