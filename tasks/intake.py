"""What the flow `intake` does: list what arrived, take each delivery, and show what became of it."""

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from abreast.core.crash_points import crash_point
from abreast.inbox.delivery import Delivery
from abreast.lifecycle.intake import IntakeResult, arrivals, take
from abreast.services.services import Services

SHOWN_REASONS = 50


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def list_arrivals(services: Services) -> list[Delivery]:
    """The complete deliveries that no intake has dealt with."""
    return arrivals(services.ledger, services.inbox)


@task(cache_policy=NO_CACHE, task_run_name="take {delivery.name}", retries=1, retry_delay_seconds=5)
def take_drop(services: Services, delivery: Delivery) -> IntakeResult:
    """Examine a delivery and keep it as an accepted drop, or in quarantine."""
    outcome = take(services.project, services.ledger, services.inbox, delivery)
    print(f"{delivery.name}: {outcome.outcome}, {outcome.accepted} of {outcome.rows} rows taken")
    return outcome


@task(cache_policy=NO_CACHE)
def report_intake(outcomes: list[IntakeResult]) -> None:
    """One row a delivery, and the reasons of everything that went to quarantine."""
    if not outcomes:
        return
    rows = [o.model_dump(include={"name", "outcome", "rows", "accepted", "quarantined", "digest"}) for o in outcomes]
    create_table_artifact(rows, key="intake", description="What became of each delivery")
    crash_point("report.intake")
    for outcome in outcomes:
        if outcome.reasons:
            shown = [f"- {reason}" for reason in outcome.reasons[:SHOWN_REASONS]]
            if (more := len(outcome.reasons) - SHOWN_REASONS) > 0:
                shown.append(f"- and {more} more")
            lines = "\n".join([f"## {outcome.name}: {outcome.outcome}", *shown])
            create_markdown_artifact(lines, key="quarantine")
