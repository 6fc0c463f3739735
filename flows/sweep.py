"""Sweep: what a crash left half done is finished or reverted, and what an event missed or MLflow holds is taken."""

from prefect import flow
from prefect.states import Completed, State

from abreast.project import Project
from tasks.arrivals import list_arrivals
from tasks.request import request_intake, request_update
from tasks.review import sweep_reviews
from tasks.sweep import sweep_promotions


@flow(name="sweep", log_prints=True)
def sweep() -> State:
    """Make aliases and ledger agree, carry out reviews, and ask for an intake or an update if anything waits for it."""
    project = Project.open()
    mended = sweep_promotions(project)
    reviewed = sweep_reviews(project)
    missed = len(list_arrivals(project))
    if missed:
        request_intake(project)
    asked = request_update(project, leave_to_intake=True)
    return Completed(
        message=f"{mended} promotions mended, {reviewed} reviews carried out, {missed} arrivals missed,"
        f" update asked for: {asked}"
    )
