"""Promote: a reviewer decides on a version that waits; Prefect shows the parameters as a form."""

from typing import Annotated, Literal

from prefect import flow
from prefect.states import Completed, State
from pydantic import Field

from abreast.services.services import Services
from tasks.maintenance import request_update
from tasks.promotion import promote_by_force, review_version


@flow(name="promote", log_prints=True)
def promote(
    version: Annotated[str, Field(pattern="^v?[0-9]+$", examples=["v3"])],
    decision: Literal["approve", "reject"],
    reason: Annotated[str, Field(min_length=1, max_length=1000)],
    reviewer: Annotated[str, Field(min_length=1)],
    force: bool = False,
) -> State:
    """Approve or reject a version that waits for review.

    Args:
        version: The version to decide on, such as v3. Its page in MLflow shows what it learned and what held it up.
        decision: approve puts it into service; if the champion has changed since it was judged, its drops are
            learned and judged again instead. reject leaves the champion alone.
        reason: Why. It is recorded on the version's page.
        reviewer: Your name. It is recorded beside the reason.
        force: With approve, put it into service whatever its verdict and whichever version serves now.
    """
    services = Services.open()
    if force and decision == "approve":
        served = promote_by_force(services, version, reason, reviewer)
        return Completed(message=f"v{served} serves")
    done = review_version(services, version, decision, reason, reviewer)
    request_update(services, leave_to_intake=True)
    return Completed(name=done.outcome.capitalize(), message=done.detail)
