"""The steps of the flow `intake`: list arrivals, take each delivery, report the results."""

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
    """The complete deliveries that no intake has taken."""
    return arrivals(services.ledger, services.inbox)


@task(cache_policy=NO_CACHE, task_run_name="take {delivery.name}", retries=1, retry_delay_seconds=5)
def take_drop(services: Services, delivery: Delivery) -> IntakeResult:
    """Examine a delivery, and store it as an accepted drop or in quarantine."""
    result = take(services.project, services.ledger, services.inbox, delivery)
    print(f"{delivery.name}: {result.outcome}, {result.accepted} of {result.rows} rows accepted")
    return result


@task(cache_policy=NO_CACHE)
def report_intake(results: list[IntakeResult]) -> None:
    """Show one row per delivery, and the reasons for every quarantine."""
    if not results:
        return
    rows = [one.model_dump(include={"name", "outcome", "rows", "accepted", "quarantined", "digest"}) for one in results]
    create_table_artifact(rows, key="intake", description="The outcome of each delivery")
    crash_point("report.intake")
    for result in results:
        if result.reasons:
            shown = [f"- {reason}" for reason in result.reasons[:SHOWN_REASONS]]
            if (more := len(result.reasons) - SHOWN_REASONS) > 0:
                shown.append(f"- and {more} more")
            lines = "\n".join([f"## {result.name}: {result.outcome}", *shown])
            create_markdown_artifact(lines, key="quarantine")
