"""Intake: every complete delivery becomes an accepted drop, a known one, or a quarantined one."""

from prefect import flow
from prefect.states import Completed, Failed, State

from abreast.core.errors import AbreastError, Unavailable
from abreast.services.services import Services
from tasks.intake import list_arrivals, report_intake, take_drop
from tasks.maintenance import request_update


@flow(name="intake", log_prints=True)
def intake() -> State:
    """List the inbox, take whatever is new, and ask for an update if anything waits to be learned.

    A delivery that cannot be taken, such as one that differs from its manifest, holds up no other: the rest is taken,
    and the run ends as failed and names it.
    """
    services = Services.open()
    outcomes, left = [], {}
    while deliveries := [d for d in list_arrivals(services) if d not in left]:
        for delivery in deliveries:
            try:
                outcomes.append(take_drop(services, delivery))
            except Unavailable:
                raise
            except AbreastError as error:
                left[delivery] = f"{delivery.name} was not taken: {error}"
    report_intake(outcomes)
    request_update(services)
    counts = {kind: sum(o.outcome == kind for o in outcomes) for kind in ("accepted", "duplicate", "quarantined")}
    said = "; ".join([", ".join(f"{count} {kind}" for kind, count in counts.items()), *left.values()])
    return Failed(message=said) if left else Completed(message=said)
