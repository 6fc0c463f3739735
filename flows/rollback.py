"""Rollback: return to the version that served before, or to the last one without a withdrawn drop."""

from prefect import flow
from prefect.states import Completed, State

from abreast.services.services import Services
from tasks.maintenance import request_update
from tasks.promotion import take_back


@flow(name="rollback", log_prints=True)
def rollback(reason: str, poisoned: str | None = None, leaving: str | None = None) -> State:
    """Move the alias `champion` back to the version that served before.

    Args:
        reason: why; it is recorded.
        poisoned: a drop to withdraw, by name or digest: if the champion learned it, the alias moves back to the last
            champion that did not, and an update learns the later drops again.
        leaving: the version to leave, such as v3; nothing happens if another one serves. Default: the champion.
    """
    services = Services.open()
    back = take_back(services, leaving, reason, poisoned)
    if poisoned is not None:
        request_update(services)
    return Completed(message=back.message)
