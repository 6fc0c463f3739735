"""The rows of delivered files: JSON Lines, CSV and Parquet, one by one, a bad row never hiding the good ones."""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from abreast.core.errors import AbreastError
from abreast.inbox.file_names import DATA_SUFFIXES, payload_files

_LISTS = ("tokens", "tags", "messages")


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as it was delivered.

    `row` counts from 1: the line of a JSON Lines or CSV file (where a CSV row begins), the row of a Parquet file.
    Either `data` is there, or `error` says why not and `text` holds the line.
    """

    file: str
    row: int
    data: dict[str, Any] | None
    text: str | None = None
    error: str | None = None


def read_rows(path: Path) -> Iterator[RawRow]:
    """Read a data file, or every data file below a folder in the order of names, lazily.

    A line that is no JSON object, no UTF-8 or no row of the table becomes a `RawRow` with an error.

    Raises:
        AbreastError: a file as a whole cannot be read: unknown suffix, damaged archive, not Parquet, no header.
    """
    if path.is_dir():
        inside = {p.relative_to(path).as_posix(): p for p in path.rglob("*") if p.is_file()}
        for name in payload_files(inside):
            yield from _read_file(inside[name], name)
    else:
        yield from _read_file(path, path.name)


def _read_file(path: Path, name: str) -> Iterator[RawRow]:
    plain = name.lower().removesuffix(".gz")
    readers: dict[str, Callable[[Path, str], Iterator[RawRow]]] = {
        ".jsonl": _read_jsonl,
        ".ndjson": _read_jsonl,
        ".csv": _read_csv,
        ".parquet": _read_parquet,
    }
    suffix = next((s for s in readers if plain.endswith(s) and name.lower().endswith(DATA_SUFFIXES)), None)
    if suffix is None:
        raise AbreastError(f"{name}: unknown kind of file; files ending in {', '.join(DATA_SUFFIXES)} are read")
    try:
        yield from readers[suffix](path, name)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise AbreastError(f"{name}: the gzip file is damaged or cut off; deliver it again") from None
    except OSError as error:
        raise AbreastError(f"{name}: cannot be read: {error.strerror or error}") from error


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def _decode(line: bytes) -> tuple[str, bool]:
    """The text of a line and whether it was UTF-8; bytes that were not are shown as `\\xNN`."""
    try:
        return line.decode("utf-8"), True
    except UnicodeDecodeError:
        return line.decode("utf-8", "backslashreplace"), False


def _read_jsonl(path: Path, name: str) -> Iterator[RawRow]:
    with _open(path) as file:
        for number, line in enumerate(file, start=1):
            text, clean = _decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
            if not (text := text.strip("\r\n \t")):
                continue
            data, error = _parse(text) if clean else (None, "not UTF-8")
            yield RawRow(name, number, data, None if error is None else text, error)


def _parse(text: str) -> tuple[dict | None, str | None]:
    """The object in a line of JSON, or what is wrong with it."""
    try:
        data = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once)
        if "\\ud" in text.lower():
            json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None, "not valid Unicode: half a surrogate pair"
    except json.JSONDecodeError as error:
        return None, f"not valid JSON: {error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        return None, f"not valid JSON: {'nested too deeply' if isinstance(error, RecursionError) else error}"
    if not isinstance(data, dict):
        return None, f"expected an object such as {{'key': ..., 'value': ...}}, got {type(data).__name__}"
    return data, None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _once(pairs: list[tuple[str, object]]) -> dict:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise ValueError("one field is given twice")
    return data


def _read_csv(path: Path, name: str) -> Iterator[RawRow]:
    with _open(path) as file:
        numbered = _Numbered(file)
        rows = csv.reader(numbered, strict=True)
        header = _header(rows, name)
        while True:
            begins = numbered.lines + 1
            try:
                cells = next(rows, None)
            except csv.Error as error:
                yield RawRow(name, begins, None, numbered.last, f"not valid CSV: {error}")
                continue
            if cells is None:
                return
            if cells:
                yield _csv_row(name, begins, header, cells)


class _Numbered:
    """Lines of a CSV file as text, counted; bytes that are not UTF-8 become surrogates, so that a row can be told."""

    def __init__(self, file: Iterable[bytes]) -> None:
        self._file = iter(file)
        self.lines, self.last = 0, ""

    def __iter__(self) -> "_Numbered":
        return self

    def __next__(self) -> str:
        line = next(self._file).decode("utf-8", "surrogateescape")
        self.lines, self.last = self.lines + 1, line.rstrip("\r\n")
        return line.removeprefix("\ufeff") if self.lines == 1 else line


def _header(rows: Iterator[list[str]], name: str) -> list[str]:
    try:
        header = [cell.strip() for cell in next(rows, [])]
    except csv.Error as error:
        raise AbreastError(f"{name}: row 1: not valid CSV: {error}") from None
    if not any(header) or len(set(header)) < len(header) or any(not _is_clean(cell) for cell in header):
        raise AbreastError(f"{name}: row 1: expected a header with the columns' names, each once")
    return header


def _is_clean(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _csv_row(name: str, number: int, header: list[str], cells: list[str]) -> RawRow:
    text = ",".join(cells).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if not all(map(_is_clean, cells)):
        return RawRow(name, number, None, text, "not UTF-8")
    if len(cells) != len(header):
        return RawRow(name, number, None, text, f"{len(cells)} cells, the header has {len(header)}")
    try:
        data = {column: _from_cell(column, cell) for column, cell in zip(header, cells, strict=True)}
    except (ValueError, RecursionError):
        return RawRow(name, number, None, text, f"{', '.join(_LISTS)}: expected a JSON list in the cell")
    return RawRow(name, number, _without_empty(data))


def _from_cell(column: str, cell: str) -> object:
    """CSV holds only text: an empty cell is no value, lists are JSON, and `target` is a number if it can be."""
    if cell == "":
        return None
    if column in _LISTS:
        return json.loads(cell, parse_constant=_refuse_constant)
    if column == "target":
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell


def _without_empty(data: dict) -> dict:
    """Tables have a cell in every column: an empty one means that the field is not given; only a value can be null."""
    return {column: cell for column, cell in data.items() if cell is not None or column == "value"}


def _read_parquet(path: Path, name: str) -> Iterator[RawRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        number = 0
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=4096):
                for data in batch.to_pylist():
                    number += 1
                    yield _parquet_row(name, number, data)
    except pa.ArrowException as error:
        raise AbreastError(f"{name}: not a Parquet file that can be read: {' '.join(str(error).split())}") from None


def _parquet_row(name: str, number: int, data: dict) -> RawRow:
    plain = _without_empty({column: _plain(cell) for column, cell in data.items()})
    try:
        json.dumps(plain, allow_nan=False)
    except (TypeError, ValueError) as error:
        return RawRow(name, number, None, repr(plain), f"a value has no form in JSON: {error}")
    return RawRow(name, number, plain)


def _plain(cell: object) -> object:
    """Dates and times as ISO text; everything else as it is."""
    return cell.isoformat() if hasattr(cell, "isoformat") else cell
