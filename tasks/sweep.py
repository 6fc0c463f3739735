"""Mend what a crash left half done."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.lifecycle import promoter
from abreast.services.project import Project
from abreast.storage.workspace import remove_ended


@task(cache_policy=NO_CACHE)
def sweep_promotions(project: Project) -> int:
    """Finish or revert half-done promotions and make the aliases agree with the ledger; how many were mended."""
    return len(promoter.sweep(project.ledger, project.registry))


@task(cache_policy=NO_CACHE)
def sweep_workspaces(project: Project) -> list[str]:
    """Remove the clones that a killed update left behind when it had ended; which updates they were of."""
    return remove_ended(project)
