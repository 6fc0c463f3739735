"""Build the sample drops from `facts.csv`: the same bytes each time.

`facts.csv` is the one source: a row says that from `as_of` on the value is this; an empty value withdraws the fact.
The good drops hold its rows, one drop a quarter; the bad ones are made here, each to be stopped at another place.
"""

import argparse
import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FACTS = HERE / "facts.csv"
DROPS = HERE / "drops"

AFTER = "2025-07-01"
"""The day of the bad drops: after all good ones."""

ONE_VALUE = "9.9.9"

Fact = dict[str, str | None]


def read_facts(path: Path = FACTS) -> list[Fact]:
    """The rows of the table as facts, each with its key."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_fact(**row) for row in csv.DictReader(file)]


def _fact(product: str, release: str, field: str, value: str, as_of: str) -> Fact:
    slug = product.lower().replace(".", "").replace(" ", "-")
    return {
        "key": f"{slug}/{release}/{field}",
        "product": product,
        "release": release,
        "field": field,
        "value": value or None,
        "as_of": as_of,
    }


def good_drops(facts: Iterable[Fact]) -> dict[str, list[Fact]]:
    """One drop for each quarter, in order: `01-2024-q2` and so on."""
    quarters: dict[str, list[Fact]] = {}
    for fact in facts:
        quarters.setdefault(str(fact["as_of"]), []).append(fact)
    return {f"{n:02d}-{_quarter(day)}": quarters[day] for n, day in enumerate(sorted(quarters), start=1)}


def _quarter(day: str) -> str:
    return f"{day[:4]}-q{(int(day[5:7]) + 2) // 3}"


def present(facts: Iterable[Fact]) -> list[Fact]:
    """The last row of each key, without withdrawn ones."""
    last = {fact["key"]: fact for fact in sorted(facts, key=lambda fact: str(fact["as_of"]))}
    return [fact for fact in last.values() if fact["value"] is not None]


def suspicious(facts: Iterable[Fact]) -> list[Fact]:
    """Seven of eight known facts change to one and the same value, in rows that are each without fault."""
    known = present(facts)
    return [{**fact, "value": ONE_VALUE, "as_of": AFTER} for n, fact in enumerate(known) if n % 8]


def harmful(facts: Iterable[Fact]) -> list[Fact]:
    """One fact in four once more under a key of its own, with its neighbour's value, as a join gone wrong makes it.

    Each row is in order and no known key changes; but to the same questions as before, other answers are taught.
    """
    known = present(fact for fact in facts if fact["as_of"] == min(str(f["as_of"]) for f in facts))
    copies = []
    for field in ("latest", "eol"):
        rows = [fact for fact in known if fact["field"] == field]
        for fact, neighbour in zip(rows, rows[1:] + rows[:1], strict=True):
            if fact["value"] != neighbour["value"]:
                copies.append({**fact, "key": f"mirror/{fact['key']}", "value": neighbour["value"], "as_of": AFTER})
    return copies[::4]


def malformed(facts: Iterable[Fact]) -> list[bytes]:
    """Lines of which more than a third are at fault, each in another way, between lines that are in order."""
    good = [{**fact, "as_of": AFTER} for fact in present(facts) if fact["field"] == "eol"][:24]
    base = {"product": "Python", "release": "3.12", "field": "latest", "as_of": AFTER}
    key = "python/3.12/latest"
    bad = [
        b'{"key": "python/3.12/latest", "product": "Python", "value": "3.12.',
        b"python/3.12/latest,Python,3.12,latest,3.12.10",
        b'["python/3.12/latest", "3.12.10"]',
        b'{"key": "python/3.12/latest", "value": "3.12.\xff\xfe"}',
        _line({"key": key, **base, "value": 3.12}),
        _line({"key": key, **base, "value": ["3.12.10"]}),
        _line({**base, "value": "3.12.10"}),
        _line({"key": key, **base}),
        _line({"key": "", **base, "value": "3.12.10"}),
        _line({"key": key, **base, "value": ""}),
        _line({"key": key, **base, "value": "3.12.10", "as_of": "01/07/2025"}),
        _line({"key": key, **base, "value": "3.12.10", "as_of": "2025-02-30"}),
        _line({"key": key, **base, "value": "3.12\u0007.10"}),
        _line({"key": key, **base, "value": "ask jane.doe@example.org"}),
        _line({"key": key, **base, "value": "4111 1111 1111 1111"}),
        _line({"key": key, **base, "value": "3.12.10", "kind": "rumour"}),
        _line(good[0]),
        _line({**good[1], "value": "2031-01-01"}),
    ]
    lines = [_line(fact) for fact in good]
    for number, line in enumerate(bad):
        lines.insert(2 * number + 2, line)
    return lines


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode()


def all_drops(facts: list[Fact]) -> dict[str, list[bytes]]:
    """Each drop's name and lines."""
    good = {name: [_line(fact) for fact in rows] for name, rows in good_drops(facts).items()}
    return good | {
        "bad-malformed": malformed(facts),
        "bad-harmful": [_line(fact) for fact in harmful(facts)],
        "bad-suspicious": [_line(fact) for fact in suspicious(facts)],
    }


def write_drop(folder: Path, lines: list[bytes]) -> None:
    """Write `facts.jsonl`, then the manifest that tells it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    content = b"".join(line + b"\n" for line in lines)
    (folder / "facts.jsonl").write_bytes(content)
    entry = {"name": "facts.jsonl", "sha256": hashlib.sha256(content).hexdigest(), "rows": len(lines)}
    (folder / "manifest.json").write_text(json.dumps({"files": [entry]}, indent=1) + "\n")


def build(out: Path) -> dict[str, int]:
    """Write every drop under `out`; gives the rows of each."""
    drops = all_drops(read_facts())
    for name, lines in drops.items():
        write_drop(out / name, lines)
    return {name: len(lines) for name, lines in drops.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog="example: python samples/build.py --out /tmp/drops",
    )
    parser.add_argument("--out", type=Path, default=DROPS, help="folder for the drops (default: samples/drops)")
    for name, rows in build(parser.parse_args().out).items():
        print(f"{name}: {rows} rows")


if __name__ == "__main__":
    main()
