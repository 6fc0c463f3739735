"""Intake: every complete delivery becomes an accepted drop, a known one, or a quarantined one."""

from prefect import flow
from prefect.states import Completed, State

from abreast.project import Project
from tasks.arrivals import list_arrivals
from tasks.report import report_intake
from tasks.request import request_update
from tasks.take import take_drop


@flow(name="intake", log_prints=True)
def intake() -> State:
    """List the inbox, take whatever is new, and ask for an update if anything waits to be learned."""
    project = Project.open()
    outcomes = []
    while deliveries := list_arrivals(project):
        outcomes += [take_drop(project, delivery) for delivery in deliveries]
    report_intake(outcomes)
    request_update(project)
    counts = {kind: sum(o.outcome == kind for o in outcomes) for kind in ("accepted", "duplicate", "quarantined")}
    return Completed(message=", ".join(f"{count} {kind}" for kind, count in counts.items()))
