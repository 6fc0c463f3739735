"""Let a person decide on a version, and carry out what they decided."""

from typing import Literal

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.ledger import Review, Version
from abreast.ledger.names import version_number
from abreast.lifecycle import review
from abreast.lifecycle.review_tags import take_tags
from abreast.services.project import Project


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def ask_for_review(project: Project, version: Version) -> None:
    """Say on the version's page that it waits, and how to decide."""
    project.registry.ask_for_review(version.number)
    print(f"{version.name} waits for review")


@task(cache_policy=NO_CACHE)
def review_version(
    project: Project, version: str, decision: Literal["approve", "reject"], reason: str, reviewer: str
) -> Review:
    """Approve or reject as a person asks."""
    number = version_number(version)
    return review.review(
        project.ledger, project.registry, number, decision, reason=reason, reviewer=reviewer, door="prefect"
    )


@task(cache_policy=NO_CACHE)
def sweep_reviews(project: Project) -> int:
    """Finish reviews that were left half done and take those asked for by tags in MLflow; how many there were."""
    said = review.sweep(project.ledger, project.registry) + take_tags(project.ledger, project.registry)
    print("\n".join(said) or "no review was left")
    return len(said)
