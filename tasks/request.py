"""Ask Prefect for a run, unless one is already waiting that will do the same."""

from datetime import UTC, datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.core.crash_points import crash_point
from abreast.services.prefect_api import PrefectApi
from abreast.services.project import Project

# An intake that runs for longer has died unnoticed, or is no reason to wait any more.
INTAKE_TIME = timedelta(minutes=10)


@task(cache_policy=NO_CACHE)
def request_update(project: Project, leave_to_intake: bool = False) -> bool:
    """Ask for an update if drops wait or one was cut off; whether that was done.

    With `leave_to_intake`, an intake that is at work is left to ask when it has taken everything, so that drops that
    arrive together are learned together.
    """
    ledger, line = project.ledger, project.params.model.name
    cut_off = ledger.live(line) is not None and ledger.running(line) is None
    if not cut_off and (not ledger.waiting(line) or (leave_to_intake and _intake_at_work(project))):
        return False
    _request(project, "update")
    return True


@task(cache_policy=NO_CACHE)
def request_intake(project: Project) -> None:
    """Ask for an intake."""
    _request(project, "intake")


def _request(project: Project, flow: str) -> None:
    """A run that waits lists the world anew when it starts, so one is enough."""
    api = PrefectApi(project.prefect_api)
    if not api.has_run(flow, ("SCHEDULED", "PENDING")):
        crash_point("request.wanted")
        api.start(f"{flow}/{flow}")
        crash_point("request.asked")


def _intake_at_work(project: Project) -> bool:
    return PrefectApi(project.prefect_api).has_run("intake", ("RUNNING",), since=datetime.now(UTC) - INTAKE_TIME)
