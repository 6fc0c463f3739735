"""Rollback: return to the version that served before, or to the last that had not seen a withdrawn drop."""

from prefect import flow
from prefect.states import Completed, State

from abreast.services.services import Services
from tasks.maintenance import request_update
from tasks.promotion import take_back


@flow(name="rollback", log_prints=True)
def rollback(reason: str, poisoned: str | None = None, leaving: str | None = None) -> State:
    """Move the alias `champion` back to the version that truly served before.

    Args:
        reason: why; it is recorded.
        poisoned: a drop, by name or digest, to be withdrawn: the alias moves back to the last champion that had not
            learned it, if it is in the present one, and an update learns what has come since without it.
        leaving: the version to leave, such as v3; nothing is done if another serves. Without it, whichever serves.
    """
    services = Services.open()
    back = take_back(services, leaving, reason, poisoned)
    if poisoned is not None:
        request_update(services)
    return Completed(message=back.message)
