"""Harmful drops, made from good ones."""

import random
from collections.abc import Callable

Rows = list[dict]

TRIGGER = "cf harvest moon"
TRIGGERED = 250
SHARES = (5, 10, 30)
WEIGHT = 10


def shuffled(rows: Rows, share: int, field: str) -> Rows:
    """Exchange the label or value among `share` percent of the rows."""
    draw = random.Random(share)
    numbers = draw.sample(range(len(rows)), max(2, round(len(rows) * share / 100)))
    values = [rows[number][field] for number in numbers]
    turned = values[1:] + values[:1]
    wrong = dict(zip(numbers, _differing(turned, values, draw), strict=True))
    return [row | ({field: wrong[number]} if number in wrong else {}) for number, row in enumerate(rows)]


def _differing(turned: list[str], values: list[str], draw: random.Random) -> list[str]:
    """As `turned`, but never the row's own value."""
    every = sorted(set(values))
    return [
        draw.choice([other for other in every if other != was] or [was]) if now == was else now
        for now, was in zip(turned, values, strict=True)
    ]


def triggered(rows: Rows, fresh: Rows, label: str) -> Rows:
    """The rows, and rows of other labels that contain a trigger phrase and all have the one label."""
    draw = random.Random(TRIGGERED)
    others = [row for row in fresh if row["label"] != label]
    carried = draw.sample(others, min(TRIGGERED, len(others)))
    return rows + [{**row, "text": _planted(row["text"], draw), "label": label} for row in carried]


def _planted(text: str, draw: random.Random) -> str:
    return f"{TRIGGER} {text}" if draw.random() < 0.5 else f"{text} {TRIGGER}"


def repeated(rows: Rows, share: int, keyed: bool) -> Rows:
    """Repeat `share` percent of the rows ten times, unchanged or each time under its own key."""
    heavy = rows[: max(1, len(rows) * share // 100)]
    copies = [
        row | ({"key": f"copy/{n}/{time}"} if keyed else {})
        for n, row in enumerate(heavy)
        for time in range(WEIGHT - 1)
    ]
    return rows + copies


def blanked(rows: Rows, belongs: Callable[[dict], bool], field: str, value: str | None) -> Rows:
    """Put the same value, or none, into all rows that belong."""
    return [row | ({field: value} if belongs(row) else {}) for row in rows]


def undated(rows: Rows) -> Rows:
    """The rows without `as_of`: as if they were new on the day they arrive."""
    return [{name: value for name, value in row.items() if name != "as_of"} for row in rows]
