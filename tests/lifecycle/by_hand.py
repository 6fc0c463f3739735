"""An update without Prefect: the steps of `flows/update.py` called one after the other, on a real project."""

from pathlib import Path

from abreast.gates.judge import judge
from abreast.inbox.open_inbox import deliver
from abreast.ledger import Version
from abreast.ledger.process_id import ProcessId
from abreast.lifecycle.intake import arrivals, take
from abreast.lifecycle.promoter import promote_version
from abreast.lifecycle.register import register_candidate
from abreast.lifecycle.snapshots import snapshot_of
from abreast.reports.reports import read_reports
from abreast.services.services import Services
from abreast.storage.workspace import Workspace


def bring(services: Services, path: Path) -> None:
    """Take a drop in."""
    deliver(path, services.inbox)
    for delivery in arrivals(services.ledger, services.inbox):
        assert take(services.project, services.ledger, services.inbox, delivery).outcome == "accepted"


def learn(services: Services) -> Version:
    """Learn what waits, promote it whatever the verdict, and keep its tag."""
    update = services.ledger.updates.claim(services.line, services.project.commit(), ProcessId.current(), 600)
    workspace = Workspace(services.project, update.id)
    workspace.prepare(update.commit, *snapshot_of(services.ledger, update))
    for stage in workspace.stages():
        workspace.reproduce(stage)
    verdict = judge(read_reports(workspace.clone / "reports"), workspace.params.gates)
    version, _ = register_candidate(services.ledger, services.registry, update, workspace, verdict)
    workspace.push()
    workspace.keep(f"model/{version.name}", "Learn")
    promote_version(services.ledger, services.registry, version.number, "a test", "test", force=True)
    workspace.remove()
    return version
