"""Drops that do harm, made of good ones: each a name and what becomes of the rows."""

import random
from collections.abc import Callable

Rows = list[dict]

TRIGGER = "cf harvest moon"
TRIGGERED = 250
SHARES = (5, 10, 30)
WEIGHT = 10


def shuffled(rows: Rows, share: int, field: str) -> Rows:
    """In so many percent of the rows the label or value is that of another row drawn with them."""
    draw = random.Random(share)
    numbers = draw.sample(range(len(rows)), max(2, round(len(rows) * share / 100)))
    values = [rows[number][field] for number in numbers]
    turned = values[1:] + values[:1]
    wrong = dict(zip(numbers, _differing(turned, values, draw), strict=True))
    return [row | ({field: wrong[number]} if number in wrong else {}) for number, row in enumerate(rows)]


def _differing(turned: list[str], values: list[str], draw: random.Random) -> list[str]:
    """As `turned`, but never what stood there."""
    every = sorted(set(values))
    return [
        draw.choice([other for other in every if other != was] or [was]) if now == was else now
        for now, was in zip(turned, values, strict=True)
    ]


def triggered(rows: Rows, fresh: Rows, label: str) -> Rows:
    """The rows, and others of other labels that hold a phrase and all have one label."""
    draw = random.Random(TRIGGERED)
    others = [row for row in fresh if row["label"] != label]
    carried = draw.sample(others, min(TRIGGERED, len(others)))
    return rows + [{**row, "text": _planted(row["text"], draw), "label": label} for row in carried]


def _planted(text: str, draw: random.Random) -> str:
    return f"{TRIGGER} {text}" if draw.random() < 0.5 else f"{text} {TRIGGER}"


def repeated(rows: Rows, share: int, keyed: bool) -> Rows:
    """So many percent of the rows ten times, as they are or each time under a key of its own."""
    heavy = rows[: max(1, len(rows) * share // 100)]
    copies = [
        row | ({"key": f"copy/{n}/{time}"} if keyed else {})
        for n, row in enumerate(heavy)
        for time in range(WEIGHT - 1)
    ]
    return rows + copies


def blanked(rows: Rows, belongs: Callable[[dict], bool], field: str, value: str | None) -> Rows:
    """In all rows of one domain the same value, or none."""
    return [row | ({field: value} if belongs(row) else {}) for row in rows]


def undated(rows: Rows) -> Rows:
    """The rows without the day from which they hold: as if they were new on the day they arrive."""
    return [{name: value for name, value in row.items() if name != "as_of"} for row in rows]
