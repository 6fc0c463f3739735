import json

import pytest

from abreast.core.errors import AbreastError
from abreast.knowledge.drop import DropInfo, drop_digest, read_delivery, read_drop, write_drop
from abreast.knowledge.record import parse_record

ROWS = [{"key": f"k{i}", "value": f"v{i}", "as_of": "2024-04-01"} for i in range(5)]


def _info(**changed) -> DropInfo:
    known = {
        "digest": drop_digest(ROWS),
        "name": "first",
        "arrived_at": "2024-04-02T10:00:00+02:00",
        "rows": 5,
        "accepted": 5,
        "quarantined": 0,
        "kinds": {"fact": 5},
    }
    return DropInfo(**(known | changed))


def test_digest_ignores_order_and_column_order_but_not_repetition():
    digest = drop_digest(ROWS)
    assert drop_digest(reversed(ROWS)) == digest
    assert drop_digest(dict(reversed(row.items())) for row in ROWS) == digest
    assert drop_digest([*ROWS, ROWS[0]]) != digest
    assert drop_digest([*ROWS, "{broken"]) == drop_digest(["{broken\n", *ROWS]) != digest


def test_same_digest_when_renamed_or_split_into_two_files(tmp_path):
    lines = [json.dumps(row) + "\n" for row in ROWS]
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "facts.jsonl").write_text("".join(lines))
    (tmp_path / "two" / "b.jsonl").write_text("".join(lines[:2]))
    (tmp_path / "two" / "a.jsonl").write_text("".join(lines[2:]))
    one, _ = read_delivery(tmp_path / "one", "one", "2024-04-02T10:00:00Z")
    two, _ = read_delivery(tmp_path / "two", "two", "2024-05-02T10:00:00Z")
    assert one.digest == two.digest == drop_digest(ROWS)


def test_written_drop_is_read_back(tmp_path):
    records = [parse_record(row) for row in ROWS]
    written = write_drop(tmp_path / "d", _info(), reversed(records))
    info, read = read_drop(tmp_path / "d")
    assert info == written
    assert info.arrived_at == "2024-04-02T08:00:00.000000+00:00"
    assert read == records
    bytes_before = (tmp_path / "d" / "records.jsonl").read_bytes()
    write_drop(tmp_path / "d", _info(), records)
    assert (tmp_path / "d" / "records.jsonl").read_bytes() == bytes_before


def test_altered_drop_is_refused(tmp_path):
    write_drop(tmp_path, _info(), [parse_record(row) for row in ROWS])
    path = tmp_path / "records.jsonl"
    path.write_text(path.read_text().replace("v3", "w3"))
    with pytest.raises(AbreastError, match=r"records.jsonl: its content is not what drop.json records"):
        read_drop(tmp_path)


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(AbreastError, match=r"drop.json: no such file"):
        read_drop(tmp_path)
    (tmp_path / "drop.json").write_text("{}")
    with pytest.raises(AbreastError, match=r"drop.json: damaged"):
        read_drop(tmp_path)
    write_drop(tmp_path, _info(), [])
    with pytest.raises(AbreastError, match="holds 0 records, drop.json says 5"):
        read_drop(tmp_path)
    (tmp_path / "records.jsonl").unlink()
    with pytest.raises(AbreastError, match=r"records.jsonl: no such file"):
        read_drop(tmp_path)


def test_delivery_with_a_bad_row_names_file_and_row(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"key": "a", "value": "b"}\n[1]\n')
    with pytest.raises(AbreastError, match=r"a.jsonl: row 2: expected an object .* to have bad rows set aside"):
        read_delivery(tmp_path, "a", "2024-04-02T10:00:00Z")


def test_delivery_without_rows_is_refused(tmp_path):
    with pytest.raises(AbreastError, match="holds neither drop.json nor data files"):
        read_delivery(tmp_path, "a", "2024-04-02T10:00:00Z")


def test_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        _info(arrived_at="2024-04-02T10:00:00")
