"""Intake: each complete delivery is accepted as a drop, recognized as a duplicate, or quarantined."""

from prefect import flow
from prefect.states import Completed, Failed, State

from abreast.core.errors import AbreastError, Unavailable
from abreast.services.services import Services
from tasks.intake import list_arrivals, report_intake, take_drop
from tasks.maintenance import request_update


@flow(name="intake", log_prints=True)
def intake() -> State:
    """List the inbox, take each new delivery, and request an update if drops wait.

    A delivery that cannot be taken, such as one that differs from its manifest, does not stop the others: they are
    taken, and the run fails and names it.
    """
    services = Services.open()
    results, failures = [], {}
    while deliveries := [d for d in list_arrivals(services) if d not in failures]:
        for delivery in deliveries:
            try:
                results.append(take_drop(services, delivery))
            except Unavailable:
                raise
            except AbreastError as error:
                failures[delivery] = f"{delivery.name} was not taken: {error}"
    report_intake(results)
    request_update(services)
    counts = {kind: sum(one.outcome == kind for one in results) for kind in ("accepted", "duplicate", "quarantined")}
    message = "; ".join([", ".join(f"{count} {kind}" for kind, count in counts.items()), *failures.values()])
    return Failed(message=message) if failures else Completed(message=message)
