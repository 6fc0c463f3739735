"""Take one delivery in."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.inbox.arrival import Delivery
from abreast.lifecycle.intake import IntakeResult, take
from abreast.services.project import Project


@task(cache_policy=NO_CACHE, task_run_name="take {delivery.name}", retries=1, retry_delay_seconds=5)
def take_drop(project: Project, delivery: Delivery) -> IntakeResult:
    """Examine a delivery and keep it as an accepted drop, or in quarantine."""
    outcome = take(project, delivery)
    print(f"{delivery.name}: {outcome.outcome}, {outcome.accepted} of {outcome.rows} rows taken")
    return outcome
