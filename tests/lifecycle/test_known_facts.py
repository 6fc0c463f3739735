"""What deliveries are compared with is read once a version."""

from pathlib import Path

import pandas as pd
import pytest

from abreast.core.home import Home
from abreast.core.project import Project
from abreast.core.settings import Params
from abreast.knowledge import knowledge_base
from abreast.ledger import open_ledger
from abreast.lifecycle import intake
from abreast.storage.dvc_cache import Pointer
from tests.lifecycle.ledgers import POINTER, claim, deliver, promote


def test_the_knowledge_of_a_version_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ledger, reads = open_ledger(f"sqlite:///{tmp_path}/ledger.db", tmp_path), []
    project = Project(tmp_path, Params.model_validate({"model": {"name": "line"}}), Home(tmp_path / "home"))
    monkeypatch.setattr(intake, "knowledge_file", lambda project, version: tmp_path / version.knowledge.md5)
    monkeypatch.setattr(knowledge_base, "read_base", lambda path: reads.append(path.name) or pd.DataFrame())
    monkeypatch.setattr(knowledge_base, "known_values", lambda base: {"python/3.12/latest": reads[-1]})
    monkeypatch.setattr(knowledge_base, "ended_values", lambda base: {})
    assert intake.known_facts(project, ledger) == ({}, {})
    for number, md5 in ((1, "aaa"), (2, "bbb")):
        deliver(ledger, f"drop {number}")
        stored = {"digest": "d", "model": POINTER, "knowledge": Pointer(md5=md5, size=5), "metrics": {}}
        ledger.versions.add(number, claim(ledger), **stored, verdict="pass", reasons=[])
        promote(ledger, number, number - 1 or None)
        for _ in range(2):
            assert intake.known_facts(project, ledger) == ({"python/3.12/latest": md5}, {})
    assert reads == ["aaa", "bbb"]
