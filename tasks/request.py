"""Ask Prefect for a run, unless one is already waiting that will do the same."""

from prefect import get_client, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.deployments import run_deployment

from abreast.project import Project


@task(cache_policy=NO_CACHE)
def request_update(project: Project) -> bool:
    """Ask for an update if drops wait or one was cut off; whether there was reason to."""
    ledger, line = project.ledger, project.params.model.name
    cut_off = ledger.live(line) is not None and ledger.running(line) is None
    if not (cut_off or ledger.waiting(line)):
        return False
    _request("update")
    return True


@task(cache_policy=NO_CACHE)
def request_intake(project: Project) -> None:
    """Ask for an intake."""
    _request("intake")


def _request(flow: str) -> None:
    """A run that waits lists the world anew when it starts, so one is enough."""
    waiting = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED, StateType.PENDING]))
    )
    with get_client(sync_client=True) as client:
        if client.read_flow_runs(flow_filter=FlowFilter(name=FlowFilterName(any_=[flow])), flow_run_filter=waiting):
            return
    run_deployment(f"{flow}/{flow}", timeout=0, as_subflow=False)
