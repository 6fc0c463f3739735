import datetime
import gzip
import json
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.inbox.reader import RawRow, read_rows

FACT = {"key": "python/3.12/latest", "value": "3.12.2", "as_of": "2024-04-01"}


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path) -> list[RawRow]:
    return list(read_rows(path))


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.JSONL", "a.jsonl.gz", "a.csv", "a.csv.gz", "a.parquet"])
def test_every_kind_of_file_gives_the_same_rows(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist([FACT, FACT | {"value": None}]), path)
    else:
        withdrawn = FACT | {"value": None}
        lines = f"{json.dumps(FACT)}\n{json.dumps(withdrawn)}\n"
        cells = "key,value,as_of\npython/3.12/latest,3.12.2,2024-04-01\npython/3.12/latest,,2024-04-01\n"
        content = (cells if "csv" in name else lines).encode()
        write(path, gzip.compress(content) if name.endswith(".gz") else content)
    assert [row.data for row in read(path)] == [FACT, FACT | {"value": None}]
    assert {row.file for row in read(path)} == {name}


def test_a_folder_is_read_in_the_order_of_names_without_its_markers(tmp_path):
    write(tmp_path / "b.csv", "key,value\nb,2\n")
    write(tmp_path / "a" / "a.jsonl", '{"key": "a", "value": "1"}')
    for marker in ("_SUCCESS", "manifest.json", ".hidden.jsonl", "c.jsonl.part"):
        write(tmp_path / marker, "{}")
    assert [(row.file, row.row, row.data["key"]) for row in read(tmp_path)] == [
        ("a/a.jsonl", 1, "a"),
        ("b.csv", 2, "b"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"key": "a", "value": }', "not valid JSON: Expecting value at column 23"),
        (b'{"key": "a", "value": "\xff"}', "not UTF-8"),
        (b'["a"]', "expected an object such as {'key': ..., 'value': ...}, got list"),
        (b'{"target": NaN}', "NaN is no JSON number"),
        (b'{"key": "a", "key": "b"}', "one field is given twice"),
        (b'{"key": "\\ud800"}', "not valid Unicode"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"target": ' + b"9" * 5000 + b"}", "not valid JSON: Exceeds the limit"),
    ],
)
def test_a_bad_line_is_reported_and_hides_no_other(tmp_path, line, message):
    good = json.dumps(FACT).encode()
    first, bad, last = read(write(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + good + b"\r\n\n" + line + b"\n" + good))
    assert first.data == last.data == FACT
    assert (first.row, bad.row, last.row) == (1, 3, 4)
    assert bad.data is None and message in bad.error and bad.text


def test_bad_csv_rows_are_reported_and_hide_no_other(tmp_path):
    rows = b'\xef\xbb\xbfkey,value\na,1\nb,\xff\nc,1,2\n"two\nlines",2\n\nd,"x"y\ne,3\n'
    read_back = read(write(tmp_path / "a.csv", rows))
    assert [(r.row, r.data) for r in read_back if r.data] == [
        (2, {"key": "a", "value": "1"}),
        (5, {"key": "two\nlines", "value": "2"}),
        (9, {"key": "e", "value": "3"}),
    ]
    assert [(r.row, r.error) for r in read_back if r.error] == [
        (3, "not UTF-8"),
        (4, "3 cells, the header has 2"),
        (8, "not valid CSV: ',' expected after '\"'"),
    ]


def test_an_open_quote_ends_with_the_file(tmp_path):
    (row,) = read(write(tmp_path / "a.csv", 'key,value\na,"1\nb,2\n'))
    assert (row.row, row.error) == (2, "not valid CSV: unexpected end of data")


def test_csv_cells_become_lists_and_numbers_where_the_field_wants_them(tmp_path):
    csv = 'text,target,tokens,tags,domain\nx,0.5,"[""a""]","[""O""]",\nx,much,[,,\n'
    good, bad = read(write(tmp_path / "a.csv", csv))
    assert good.data == {"text": "x", "target": 0.5, "tokens": ["a"], "tags": ["O"]}
    assert "expected a JSON list" in bad.error


def test_parquet_dates_become_text_and_values_that_json_cannot_hold_are_reported(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"key": "a", "as_of": datetime.date(2024, 4, 1)}, {"key": "b", "blob": b"\x00"}, {"target": float("nan")}]
    columns = {name: [row.get(name) for row in rows] for name in ("key", "as_of", "blob", "target")}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    dated, *bad = read(tmp_path / "a.parquet")
    assert dated.data == {"key": "a", "as_of": "2024-04-01"}
    assert [row.row for row in bad] == [2, 3]
    assert all("has no form in JSON" in row.error for row in bad)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"x", r"notes.txt: unknown kind of file; files ending in .jsonl, .ndjson, .csv"),
        ("a.parquet.gz", b"x", "unknown kind of file"),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"key": "a"}\n' * 9999)[:-20],
            "a.jsonl.gz: the gzip file is damaged or cut off",
        ),
        ("a.jsonl.gz", b"plain", "damaged or cut off"),
        ("a.parquet", b"PAR1 no", "a.parquet: not a Parquet file"),
        ("a.csv", b"", "a.csv: row 1: expected a header"),
        ("a.csv", b"key,key\n1,2\n", "a.csv: row 1: expected a header with the columns' names, each once"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(tmp_path, name, content, message):
    with pytest.raises(AbreastError, match=message):
        read(write(tmp_path / name, content))
