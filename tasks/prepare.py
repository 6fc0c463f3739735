"""Prepare the clone in which an update runs."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.ledger import Update
from abreast.lifecycle.snapshots import snapshot_of
from abreast.services.project import Project
from abreast.storage.workspace import Workspace


@task(cache_policy=NO_CACHE)
def prepare_workspace(project: Project, update: Update) -> Workspace:
    """A clone on the update's commit, with the snapshot's drops and parent model laid in it."""
    workspace = Workspace(project, update.id)
    snapshot, pointers = snapshot_of(project, update)
    workspace.prepare(update.commit, snapshot, pointers)
    return workspace
