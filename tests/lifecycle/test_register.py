"""A candidate becomes a judged version, in MLflow and in the ledger, whatever kills it on the way."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from abreast.core.settings import Params
from abreast.ledger import Ledger, Update, open_ledger
from abreast.lifecycle.register import RegisteredCandidate, register_candidate
from abreast.tracking.registry import Registry
from tests.lifecycle.ledgers import LINE, POINTER, claim, deliver, finished_run, killed_at, verdict

POINTS = ("register.trained", "record.version", "record.card", "register.recorded", "ledger.written", "register.judged")


class Candidate:
    """An update whose stages are done."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.ledger: Ledger = open_ledger(f"sqlite:///{folder}/ledger.db", folder)
        deliver(self.ledger, "first")
        self.update: Update = claim(self.ledger)
        self.registry = Registry(uri, LINE)
        clone = finished_run(folder / "clone")
        (clone / "snapshot.json").write_text("{}")
        outputs = {"model": POINTER, "data/knowledge.parquet": POINTER}
        self.workspace: Any = SimpleNamespace(clone=clone, params=Params(), outputs=lambda: outputs)

    def register(self, passed: bool = True) -> RegisteredCandidate:
        return register_candidate(self.ledger, self.registry, self.update, self.workspace, verdict(passed))


@pytest.fixture
def candidate(tmp_path: Path, local_mlflow) -> Candidate:
    return Candidate(tmp_path, local_mlflow(tmp_path / "mlflow"))


def test_version_card_and_status_have_the_verdict_and_nothing_is_fetched_back(candidate, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(candidate.registry._api, "read", lambda run, path: pytest.fail(f"{path} was in hand"))
        version, card = candidate.register()
    assert (version.name, version.verdict, version.reasons) == ("v1", "pass", verdict(True).reasons)
    assert (card.version, card.verdict, card) == ("v1", verdict(True), candidate.registry.card(1))
    update = candidate.ledger.updates.get("u0001")
    assert (update.status, update.facts) == ("judged", {"version": 1, "digest": version.digest})
    candidate.registry.check(1, version.digest)


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_the_next_call_completes_it(candidate, monkeypatch, point):
    killed_at(point, lambda: candidate.register(passed=False), monkeypatch)
    version, card = candidate.register()
    assert candidate.ledger.versions.all(LINE) == [version]
    assert (version.verdict, card.verdict, candidate.registry.card(1)) == ("pass", verdict(True), card)
    with candidate.registry._api.client() as client:
        (known,) = client.search_model_versions(f"name = '{LINE}'")
    assert known.tags["abreast.verdict"] == "pass"
    assert known.description.startswith("## Verdict: pass")
    assert candidate.ledger.updates.get("u0001").status == "judged"
