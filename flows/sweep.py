"""Sweep: what a crash left half done is finished or reverted, and what an event missed or MLflow holds is taken."""

from prefect import flow
from prefect.states import Completed, State

from abreast.services.project import Project
from tasks.arrivals import list_arrivals
from tasks.request import request_intake, request_update
from tasks.review import sweep_reviews
from tasks.sweep import sweep_promotions, sweep_workspaces


@flow(name="sweep", log_prints=True)
def sweep() -> State:
    """Make aliases and ledger agree, carry out reviews, and ask for an intake or an update if anything waits for it."""
    project = Project.open()
    mended, left = sweep_promotions(project), sweep_workspaces(project)
    reviewed = sweep_reviews(project)
    missed = len(list_arrivals(project))
    if missed:
        request_intake(project)
    asked = request_update(project, leave_to_intake=True)
    done = f"{mended} promotions mended, {len(left)} clones removed, {reviewed} reviews carried out"
    return Completed(message=f"{done}, {missed} arrivals missed, update asked for: {asked}")
