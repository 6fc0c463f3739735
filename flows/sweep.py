"""Sweep: what a crash left half done is finished or reverted, and what an event missed or MLflow holds is taken."""

from prefect import flow
from prefect.states import Completed, State

from abreast.services.services import Services
from tasks.intake import list_arrivals
from tasks.maintenance import request_intake, request_update, sweep_promotions, sweep_reviews, sweep_workspaces


@flow(name="sweep", log_prints=True)
def sweep() -> State:
    """Make aliases and ledger agree, carry out reviews, and ask for an intake or an update if anything waits for it."""
    services = Services.open()
    mended, left = sweep_promotions(services), sweep_workspaces(services)
    reviewed = sweep_reviews(services)
    missed = len(list_arrivals(services))
    if missed:
        request_intake(services)
    asked = request_update(services, leave_to_intake=True)
    done = f"{mended} promotions mended, {len(left)} clones removed, {reviewed} reviews carried out"
    return Completed(message=f"{done}, {missed} arrivals missed, update asked for: {asked}")
