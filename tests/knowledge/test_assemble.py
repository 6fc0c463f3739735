import json

import pytest

from abreast.core.errors import AbreastError
from abreast.knowledge import assemble
from abreast.knowledge.knowledge_base import read_base
from tests.dataset.making import clone, drop, fact


def _assemble(root, monkeypatch):
    monkeypatch.chdir(root)
    assemble.main()
    return json.loads((root / "reports/assemble.json").read_text())


def test_counts_describe_what_the_drops_did(tmp_path, monkeypatch):
    rows = [fact("a", "1", "2024-01-01"), fact("b", "1", "2024-04-01"), fact("c", "1", "2024-01-01")]
    one = clone(tmp_path / "one", [drop("one", rows, 1)])
    assert _assemble(one, monkeypatch)["new"] == 3
    rows = [
        fact("a", "2", "2024-04-01"),
        fact("b", "0", "2024-01-01"),
        fact("b", "1", "2024-07-01"),
        fact("c", None, "2024-04-01"),
        fact("d", "1", "2024-04-01"),
    ]
    two = clone(tmp_path / "two", [drop("two", rows, 2)], parent=one / "data/knowledge.parquet")
    assert _assemble(two, monkeypatch) == {
        "drops": 1,
        "records": 5,
        "new": 1,
        "changed": 1,
        "withdrawn": 1,
        "revived": 0,
        "history": 1,
        "restated": 1,
        "valid": 3,
        "ended": 3,
        "rows": 7,
    }
    assert list(read_base(two / "data/changes.parquet")["key"]) == ["a", "c", "d"]


def test_altered_drop_stops_the_stage(tmp_path, monkeypatch):
    made = drop("one", [fact("a", "1")])
    root = clone(tmp_path, [made])
    path = root / "data/drops" / made[0].digest / "records.jsonl"
    path.write_text(path.read_text().replace('"1"', '"9"'))
    with pytest.raises(AbreastError, match="its content is not what drop.json records"):
        _assemble(root, monkeypatch)
