"""Promote: a reviewer puts a registered version into service."""

from prefect import flow
from prefect.states import Completed, State

from abreast.project import Project
from tasks.promote import promote_by_hand


@flow(name="promote", log_prints=True)
def promote(version: str, reason: str, force: bool = False) -> State:
    """Move the alias `champion` to `version`, such as `v3`.

    Args:
        version: a registered version.
        reason: why; it is recorded.
        force: also when the champion is no longer the version that this one was trained from.
    """
    served = promote_by_hand(Project.open(), version, reason, force)
    return Completed(message=f"v{served} serves")
