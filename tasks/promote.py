"""Put a version into service, or take one back."""

import getpass

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.project import Project
from abreast.registry import promoter, way_back
from abreast.registry.ledger import Update, Version
from abreast.registry.names import version_number
from abreast.registry.way_back import WayBack
from abreast.registry.workspace import Workspace


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def promote_version(project: Project, version: Version, update: Update, workspace: Workspace) -> None:
    """Push what the version was made from, keep its commit as a tag, and move the aliases."""
    workspace.push()
    workspace.keep(f"model/{version.name}", f"Learn {len(update.drops)} drops: {version.name}")
    promoter.promote(
        project.ledger, project.registry, version.number, f"verdict pass of {update.id}", f"update {update.id}"
    )
    print(f"{version.name} serves")


@task(cache_policy=NO_CACHE)
def promote_by_hand(project: Project, version: str, reason: str, force: bool) -> int:
    """Promote as a person asks; the reason and the person are recorded."""
    number = version_number(version)
    done = promoter.promote(project.ledger, project.registry, number, reason, getpass.getuser(), force=force)
    return done.version


@task(cache_policy=NO_CACHE)
def roll_back(project: Project, reason: str, poisoned: str | None) -> WayBack:
    """Return to the version that served before, or take a poisoned drop out of the line."""
    if poisoned is None:
        return way_back.roll_back(project, reason, getpass.getuser())
    return way_back.withdraw(project, poisoned, reason, getpass.getuser())
