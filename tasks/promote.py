"""Put a version into service, or take one back."""

import getpass

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.ledger import Update, Version
from abreast.ledger.names import version_number
from abreast.lifecycle import promoter
from abreast.lifecycle import rollback as way_back
from abreast.lifecycle.rollback import WayBack
from abreast.services.project import Project


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def promote_version(project: Project, version: Version, update: Update) -> None:
    """Move the aliases to a version that passed."""
    promoter.promote(
        project.ledger, project.registry, version.number, f"verdict pass of {update.id}", f"update {update.id}"
    )
    print(f"{version.name} serves")


@task(cache_policy=NO_CACHE)
def promote_by_force(project: Project, version: str, reason: str, actor: str) -> int:
    """Promote whatever the verdict and whichever version serves; the reason and the person are recorded."""
    number = version_number(version)
    return promoter.promote(project.ledger, project.registry, number, reason, actor, force=True).version


@task(cache_policy=NO_CACHE)
def roll_back(project: Project, leaving: str | None, reason: str, poisoned: str | None) -> WayBack:
    """Return to the version that served before, or take a poisoned drop out of the line."""
    if poisoned is None:
        return way_back.roll_back(project, leaving, reason, getpass.getuser())
    return way_back.withdraw(project, poisoned, reason, getpass.getuser())
