"""Rollback: return to the version that served before."""

from prefect import flow
from prefect.states import Completed, State

from abreast.project import Project
from tasks.promote import roll_back


@flow(name="rollback", log_prints=True)
def rollback(reason: str) -> State:
    """Move the alias `champion` back to the version that truly served before; `reason` is recorded."""
    served = roll_back(Project.open(), reason)
    return Completed(message=f"v{served} serves again")
