"""Steps that change which version serves: promote, review, roll back."""

import getpass
from typing import Literal

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.ledger import Review, Update, Version
from abreast.ledger.names import version_number
from abreast.lifecycle import promoter, review, rollback
from abreast.lifecycle.rollback import RollbackResult
from abreast.services.services import Services


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def promote_candidate(services: Services, version: Version, update: Update) -> None:
    """Promote a version that passed."""
    reason, actor = f"verdict pass of {update.id}", f"update {update.id}"
    promoter.promote_version(services.ledger, services.registry, version.number, reason, actor)
    print(f"{version.name} serves")


@task(cache_policy=NO_CACHE)
def promote_by_force(services: Services, version: str, reason: str, actor: str) -> int:
    """Promote whatever the verdict and whichever version serves; record the reason and the person."""
    number = version_number(version)
    return promoter.promote_version(services.ledger, services.registry, number, reason, actor, force=True).version


@task(cache_policy=NO_CACHE)
def take_back(services: Services, leaving: str | None, reason: str, poisoned: str | None) -> RollbackResult:
    """Return to the version that served before, or withdraw a poisoned drop."""
    if poisoned is None:
        return rollback.roll_back(services.ledger, services.registry, leaving, reason, getpass.getuser())
    return rollback.withdraw_drop(services.ledger, services.registry, poisoned, reason, getpass.getuser())


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def ask_for_review(services: Services, version: Version) -> None:
    """Write on the version's page that it waits for review, and how to decide."""
    services.registry.ask_for_review(version.number)
    print(f"{version.name} waits for review")


@task(cache_policy=NO_CACHE)
def review_version(
    services: Services, version: str, decision: Literal["approve", "reject"], reason: str, reviewer: str
) -> Review:
    """Carry out a person's decision."""
    number, ledger, registry = version_number(version), services.ledger, services.registry
    return review.review(ledger, registry, number, decision, reason=reason, reviewer=reviewer, channel="prefect")
