"""See what has arrived."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.inbox.arrival import Delivery
from abreast.lifecycle.intake import arrivals
from abreast.services.project import Project


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def list_arrivals(project: Project) -> list[Delivery]:
    """The complete deliveries that no intake has dealt with."""
    return arrivals(project)
