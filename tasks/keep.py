"""Keep what a version was made from."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.ledger import Update, Version
from abreast.storage.workspace import Workspace


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def keep_version(version: Version, update: Update, workspace: Workspace) -> None:
    """Push all outputs to the DVC remote, and keep the commit as a tag.

    Of every version, for one that was refused can be put into service by force: whatever may serve can be proven.
    """
    workspace.push()
    workspace.keep(f"model/{version.name}", f"Learn {len(update.drops)} drops: {version.name}")
