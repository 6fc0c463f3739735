"""An update without Prefect: the steps of `flows/update.py` called one after the other, on a real project."""

from pathlib import Path

from abreast.evaluation.judge import judge
from abreast.evaluation.outcomes import read_reports
from abreast.knowledge.arrival import deliver
from abreast.project import Project
from abreast.registry.holder import Holder
from abreast.registry.intake import arrivals, take
from abreast.registry.ledger import Version
from abreast.registry.promoter import promote
from abreast.registry.register import register
from abreast.registry.snapshots import snapshot_of
from abreast.registry.workspace import Workspace


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
