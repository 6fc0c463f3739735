import json

import pytest

from abreast.core.errors import AbreastError
from abreast.knowledge.drop import drop_digest
from abreast.knowledge.snapshot import DropRef, Snapshot, load_drop, load_snapshot, save_snapshot
from tests.dataset.making import clone, drop, fact


def test_snapshot_and_its_drops_are_read_back(tmp_path):
    made = drop("first", [fact("a", "1")])
    root = clone(tmp_path, [made])
    snapshot = load_snapshot(root)
    assert save_snapshot(root, snapshot).read_bytes() == (root / "snapshot.json").read_bytes()
    info, records = load_drop(root, snapshot.drops[0])
    assert (info.digest, records) == (made[0].digest, made[1])


def test_delivery_is_read_unchanged(tmp_path):
    rows = [fact("a", "1"), fact("b", "2")]
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "facts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ref = DropRef(digest=drop_digest(rows), path="samples", arrived_at="2024-04-01T00:00:00Z", name="desk")
    info, records = load_drop(tmp_path, ref)
    assert (info.name, info.kinds, len(records)) == ("desk", {"fact": 2}, 2)


def test_a_drop_with_another_digest_is_refused(tmp_path):
    root = clone(tmp_path, [drop("first", [fact("a", "1")])])
    ref = load_snapshot(root).drops[0]
    with pytest.raises(AbreastError, match="snapshot.json names 000000000000 there"):
        load_drop(root, ref.model_copy(update={"digest": "0" * 64}))
    with pytest.raises(AbreastError, match=r"gone: no such folder; snapshot.json names it as drop first"):
        load_drop(root, ref.model_copy(update={"path": "gone"}))


@pytest.mark.parametrize("path", ["/etc", "../elsewhere", "data/../../x"])
def test_paths_outside_the_project_are_refused(tmp_path, path):
    with pytest.raises(ValueError, match="inside the project"):
        DropRef(digest="0" * 64, path=path, arrived_at="2024-04-01T00:00:00Z", name="x")


def test_missing_and_damaged_snapshots_are_named(tmp_path):
    with pytest.raises(AbreastError, match=r"snapshot.json: no such file"):
        load_snapshot(tmp_path)
    (tmp_path / "snapshot.json").write_text('{"drops": [{"digest": "x"}]}')
    with pytest.raises(AbreastError, match=r"snapshot.json: drops.0.digest"):
        load_snapshot(tmp_path)
    assert Snapshot(drops=()).parent is None
