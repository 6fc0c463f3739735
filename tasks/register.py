"""Register a candidate as a version."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.ledger import Update, Version
from abreast.lifecycle.register import register
from abreast.reports.verdict import Verdict
from abreast.services.project import Project
from abreast.storage.workspace import Workspace


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def register_version(project: Project, update: Update, workspace: Workspace, verdict: Verdict) -> Version:
    """Write run, model, version, figures and verdict into MLflow and the ledger; registration is not promotion."""
    return register(project, update, workspace, verdict)
