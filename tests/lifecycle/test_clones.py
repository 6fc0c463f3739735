from pathlib import Path
from types import SimpleNamespace

from abreast.core.home import Home
from abreast.lifecycle.clones import remove_ended_clones
from abreast.storage.workspace import Workspace
from tests.lifecycle.ledgers import claim, deliver, judge, promote


def test_only_the_folders_of_updates_that_ended_without_failing_are_removed(ledger, tmp_path: Path):
    project = SimpleNamespace(home=Home(tmp_path / "home"))
    deliver(ledger, "first")
    promoted = judge(ledger, claim(ledger), 1)
    promote(ledger, 1, None)
    deliver(ledger, "second")
    refused = ledger.updates.advance(judge(ledger, claim(ledger), 2, "fail"), "refused", reason="worse")
    deliver(ledger, "third")
    failed = ledger.updates.advance(claim(ledger), "failed", reason="broke")
    live = claim(ledger)
    for update in (promoted, refused, failed, live):
        (Workspace(project, update.id).clone / "data").mkdir(parents=True)
    assert remove_ended_clones(project, ledger) == [promoted.id, refused.id]
    assert sorted(path.name for path in project.home.runs.iterdir()) == [failed.id, live.id]
    assert remove_ended_clones(project, ledger) == []
