"""The drop contract: a drop as a whole is validated against `contract.yaml` and the knowledge base."""

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.contract.expectations import ValidationResult, validate
from abreast.contract.value_patterns import ValuePatterns
from abreast.core.files import write_text
from abreast.core.home import Home
from abreast.knowledge.record import Record, record_row

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("kind", "key", "value", "as_of", "domain")
_TEXT = (*_COLUMNS, "known_value", "change", "changed_value")
_NUMBERS = ("text_length", "changed_value_share", "withdraws", "returns", "unlike")
_SHOWN_CHARACTERS = 40


def validate_drop(
    records: Sequence[Record],
    known: Mapping[str, str | None],
    former: Mapping[str, Mapping[str, str]],
    contract: Path,
    home: Home,
    digest: str,
    name: str,
) -> ValidationResult:
    """Validate the good rows of a drop against the contract; write the page `data_docs/<digest>.html`.

    Args:
        known: the current value of every known key, None for a withdrawn one; empty before the first drop.
        former: the earlier values of known keys, each with the day on which it ended.

    Raises:
        AbreastError: the contract file is missing or invalid.
    """
    frame = contract_table(records, known, former)
    words = {
        "commonest": _most_frequent(frame["changed_value"]),
        "strangest": _most_frequent(frame["changed_value"].where(frame["unlike"] == 1)),
    }
    result = validate(contract, frame, change_counts(frame), words, title=f"drop {name}")
    _write_page(home.root / "data_docs", digest, name, result)
    return result


def contract_table(
    records: Sequence[Record], known: Mapping[str, str | None], former: Mapping[str, Mapping[str, str]]
) -> "pd.DataFrame":
    """The table that the contract checks, one row per record; `contract.yaml` describes its columns."""
    import pandas as pd

    rows = [_row(record) for record in records]
    latest, patterns = _latest(rows), ValuePatterns(known)
    for number, row in enumerate(rows):
        row["known_value"] = known.get(row["key"])
        row["change"] = _change(row, known) if latest.get(row["key"]) == number else None
        row["changed_value"] = row["value"] if row["change"] == "changed" else None
        row["returns"] = _returns(row, former.get(row["key"], {})) if row["change"] == "changed" else None
        row["unlike"] = patterns.has_new_pattern(row["key"], row["value"]) if row["change"] == "changed" else None
    changed = Counter(row["changed_value"] for row in rows if row["change"] == "changed")
    total = changed.total()
    for row in rows:
        row["changed_value_share"] = changed[row["changed_value"]] / total if row["changed_value"] else None
        row["withdraws"] = float(row["change"] == "withdrawn")
    frame = pd.DataFrame(rows, columns=[*_TEXT, *_NUMBERS])
    return frame.astype(dict.fromkeys(_TEXT, object) | dict.fromkeys(_NUMBERS, float))


def change_counts(frame: "pd.DataFrame") -> dict[str, int]:
    """The counts that `when` in a contract may name."""
    changes = frame["change"].value_counts()
    counts = {name: int(changes.get(name, 0)) for name in ("new", "changed", "restated", "withdrawn")}
    comparable = int(frame["unlike"].count())
    return {"rows": len(frame), "known": sum(counts.values()) - counts["new"], "comparable": comparable, **counts}


def _row(record: Record) -> dict[str, object]:
    row = record_row(record)
    longest = max((_length(value) for name, value in row.items() if name != "kind"), default=0)
    return {name: row.get(name) for name in _COLUMNS} | {"text_length": longest}


def _length(value: object) -> int:
    """Characters of a text, or in total of a list of words or of the messages of a conversation."""
    if isinstance(value, list):
        return sum(map(_length, value))
    if isinstance(value, dict):
        return _length(list(value.values()))
    return len(value) if isinstance(value, str) else 0


def _latest(rows: Sequence[dict]) -> dict[str, int]:
    """For each key of a fact, the number of the row with the latest `as_of`."""
    latest: dict[str, int] = {}
    for number, row in enumerate(rows):
        if row["kind"] == "fact":
            before = latest.get(row["key"])
            if before is None or (row["as_of"] or "9999") >= (rows[before]["as_of"] or "9999"):
                latest[row["key"]] = number
    return latest


def _change(row: Mapping[str, object], known: Mapping[str, str | None]) -> str:
    if row["key"] not in known:
        return "new"
    if row["value"] == known[row["key"]]:
        return "restated"
    return "withdrawn" if row["value"] is None else "changed"


def _returns(row: Mapping[str, object], former: Mapping[str, str]) -> float:
    """1 if a value that has ended is given as current; one dated to a day when it did hold is correct."""
    ended = former.get(row["value"])
    return float(ended is not None and (row["as_of"] or "9999") >= ended)


def _most_frequent(column: "pd.Series") -> str:
    values = column.dropna()
    value = str(values.mode().iat[0]) if len(values) else ""
    return value if len(value) <= _SHOWN_CHARACTERS else f"{value[: _SHOWN_CHARACTERS - 3]}..."


def _write_page(folder: Path, digest: str, name: str, result: ValidationResult) -> None:
    """Write the page of a drop, and put its link at the top of the index."""
    write_text(folder / f"{digest}.html", result.page)
    index = folder / "index.html"
    links = index.read_text().splitlines()[1:] if index.exists() else []
    failed = f"{len(result.breaches)} of {result.checked} broken"
    link = f"<p><a href='{digest}.html'>{html.escape(name)}</a>: {failed}</p>"
    others = [line for line in links if f"{digest}.html" not in line]
    head = "<!doctype html><title>Drops</title><h1>Drops, newest first</h1>"
    write_text(index, "\n".join([head, link, *others]))
