"""Sweep: finish or revert what a crash left half done, carry out reviews, and catch missed arrivals."""

from prefect import flow
from prefect.states import Completed, State

from abreast.services.services import Services
from tasks.intake import list_arrivals
from tasks.maintenance import request_intake, request_update, sweep_promotions, sweep_reviews, sweep_workspaces


@flow(name="sweep", log_prints=True)
def sweep() -> State:
    """Make aliases and ledger agree, carry out reviews, and request an intake or an update if one is due."""
    services = Services.open()
    repaired, removed = sweep_promotions(services), sweep_workspaces(services)
    reviewed = sweep_reviews(services)
    missed = len(list_arrivals(services))
    if missed:
        request_intake(services)
    requested = request_update(services, leave_to_intake=True)
    done = f"{repaired} promotions repaired, {len(removed)} clones removed, {reviewed} reviews carried out"
    return Completed(message=f"{done}, {missed} arrivals missed, update requested: {requested}")
