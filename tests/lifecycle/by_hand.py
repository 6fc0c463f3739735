"""An update without Prefect: the steps of `flows/update.py` called one after the other, on a real project."""

from pathlib import Path

from abreast.gates.judge import judge
from abreast.inbox.arrival import deliver
from abreast.ledger import Version
from abreast.ledger.process_id import Holder
from abreast.lifecycle.intake import arrivals, take
from abreast.lifecycle.promoter import promote
from abreast.lifecycle.register import register
from abreast.lifecycle.snapshots import snapshot_of
from abreast.reports.reports import read_reports
from abreast.services.project import Project
from abreast.storage.workspace import Workspace


def bring(project: Project, path: Path) -> None:
    """Take a drop in."""
    deliver(path, project.inbox)
    for delivery in arrivals(project):
        assert take(project, delivery).outcome == "accepted"


def learn(project: Project) -> Version:
    """Learn what waits, promote it whatever the verdict, and keep its tag."""
    update = project.ledger.claim(project.params.model.name, project.commit(), Holder.current(), 600)
    workspace = Workspace(project, update.id)
    workspace.prepare(update.commit, *snapshot_of(project, update))
    for stage in workspace.stages():
        workspace.reproduce(stage)
    verdict = judge(read_reports(workspace.clone / "reports"), project.params.gates)
    version = register(project, update, workspace, verdict)
    workspace.push()
    workspace.keep(f"model/{version.name}", "Learn")
    promote(project.ledger, project.registry, version.number, "a test", "test", force=True)
    workspace.remove()
    return version
