"""Take one delivery in."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.knowledge.arrival import Delivery
from abreast.project import Project
from abreast.registry.intake import Outcome, take


@task(cache_policy=NO_CACHE, task_run_name="take {delivery.name}", retries=1, retry_delay_seconds=5)
def take_drop(project: Project, delivery: Delivery) -> Outcome:
    """Examine a delivery and keep it as an accepted drop, or in quarantine."""
    outcome = take(project, delivery)
    print(f"{delivery.name}: {outcome.outcome}, {outcome.accepted} of {outcome.rows} rows taken")
    return outcome
