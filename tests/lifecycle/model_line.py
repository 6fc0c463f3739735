"""A line of models with a ledger and a registry of its own."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from abreast.core.home import Home
from abreast.core.project import Project
from abreast.core.settings import Params
from abreast.learning.model_folder import model_digest
from abreast.ledger import Ledger, Promotion, open_ledger
from abreast.ledger.process_id import ProcessId
from abreast.lifecycle.promoter import promote_version, restore_previous
from abreast.reports.reports import read_reports
from abreast.services.services import Services
from abreast.tracking.registry import Registry
from abreast.tracking.retention_matrix import retention_of
from abreast.tracking.run_log import RunFacts
from tests.lifecycle.ledgers import POINTER, deliver, finished_run
from tests.lifecycle.ledgers import verdict as one_gate

HOW = {"reason": "better", "actor": "test"}


class Line:
    """Made afresh for each test.

    Args:
        uri: of an MLflow server, or what the fixture `local_mlflow` gives.
    """

    def __init__(self, folder: Path, uri: str, name: str) -> None:
        self.folder, self.uri = folder, uri
        self.ledger: Ledger = open_ledger(f"sqlite:///{folder}/ledger.db", folder)
        self.registry = Registry(uri, name)

    def register(self, verdict: str = "pass", model: Callable[[Path], None] | None = None) -> int:
        """A judged version whose parent is the champion of this moment, its update still live.

        Args:
            model: writes the model folder; without it the files are only for show.
        """
        count = len(self.ledger.drops.all())
        deliver(self.ledger, f"drop {count}")
        update = self.ledger.updates.claim(self.registry.name, "c0", ProcessId.current(), 60)
        folder = finished_run(self.folder / update.id, model=update.id.encode())
        if model:
            model(folder / "model")
        facts = RunFacts(
            update=update.id,
            commit="c0",
            parent=update.parent,
            drops=(),
            snapshot="s",
            params={},
            folder=folder,
            model_digest=model_digest(folder / "model"),
            retention=retention_of([], read_reports(folder / "reports").by_drop),
        )
        number, _ = self.registry.record_version(facts, one_gate(passed=True))
        stored = {"digest": facts.model_digest, "model": POINTER, "knowledge": POINTER, "metrics": {}}
        self.ledger.versions.add(number, update, **stored, verdict=verdict, reasons=[])
        return number

    def answer(self, *answers: dict) -> int:
        """A version that serves whatever it answered, such as `asked` makes."""

        def write(model: Path) -> None:
            lines = "".join(f"{json.dumps(line)}\n" for line in answers)
            (model.parent / "reports" / "answers.jsonl").write_text(lines)

        number = self.register("fail", write)
        promote_version(self.ledger, self.registry, number, force=True, **HOW)
        return number

    def services(self, monkeypatch: pytest.MonkeyPatch) -> Services:
        """Services whose ledger and registry are this line's."""
        monkeypatch.setenv("MLFLOW_TRACKING_URI", self.uri)
        knobs = {"model": {"name": self.registry.name}, "storage": {"ledger": f"sqlite:///{self.folder}/ledger.db"}}
        return Services(Project(self.folder, Params.model_validate(knobs), Home(self.folder / "home")))

    def register_aside(self) -> int:
        """A version that waits for a person: its update has ended."""
        number = self.register()
        self.ledger.updates.advance(
            self.ledger.updates.live(self.registry.name), "refused", reason="waits for a person"
        )
        return number

    def leave_to_review(self, verdict: str = "inconclusive") -> int:
        """A version on which a person decides, as an update that ended leaves it."""
        number = self.register(verdict)
        self.ledger.updates.advance(self.ledger.updates.live(self.registry.name), "review", reason="undecided")
        return number

    def serve(self, count: int) -> None:
        for _ in range(count):
            promote_version(self.ledger, self.registry, self.register(), **HOW)

    def take_back(self) -> Promotion:
        return restore_previous(self.ledger, self.registry, self.ledger.promotions.champion(self.registry.name), **HOW)

    @property
    def served(self) -> tuple[int, ...]:
        return self.ledger.promotions.served(self.registry.name)

    def assert_consistent(self) -> None:
        """One champion; aliases and log agree; nothing is half done."""
        assert self.ledger.promotions.open_intent(self.registry.name) is None
        log = {
            "champion": self.ledger.promotions.champion(self.registry.name),
            "previous": self.ledger.promotions.previous(self.registry.name),
        }
        assert self.registry.aliases() == {alias: number for alias, number in log.items() if number is not None}


@pytest.fixture
def line(request: pytest.FixtureRequest, local_mlflow: Callable[[Path], str], tmp_path: Path) -> Line:
    """On a real MLflow where the test uses the fixture `mlflow_uri`, else on a folder."""
    real = "mlflow_uri" in request.fixturenames
    uri = request.getfixturevalue("mlflow_uri") if real else local_mlflow(tmp_path)
    return Line(tmp_path, uri, f"{request.node.originalname}-{uuid.uuid4().hex[:6]}")
