"""The head of a version's description in MLflow: the verdict, what holds the version up, and every gate."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from abreast.tracking.card.escape import number, plain

if TYPE_CHECKING:
    from abreast.reports.verdict import GateResult, Verdict

LIMIT = 5000
"""So many characters are all that MLflow's column for a description takes; PostgreSQL and MySQL refuse more."""
RULE = "\n\n---\n\n"
_INVISIBLE = "\u200b"
_AIR = f"\u00a0\u00a0{_INVISIBLE}"
_MEANING = {
    "pass": "Every gate lets it into service",
    "fail": "It stays out of service",
    "inconclusive": "A person must decide",
}
_COLUMNS = ("gate", "measured", "needed", "champion", "interval", "n", "")


def with_verdict(description: str, judged: "Verdict") -> str:
    """The description with the verdict and its gates at its head, in place of an earlier head.

    Made `airy` it is no longer than `LIMIT`: what is too long loses gates that are passed, of which the last are told
    as a number, and at worst the end of the description.
    """
    body = description.rsplit(RULE, 1)[-1]
    for shown in range(len(judged.gates), -1, -1):
        whole = f"{head(judged, shown)}{RULE}{body}"
        if len(airy(whole)) <= LIMIT or all(gate.asks for gate in judged.gates[:shown]):
            break
    return cut(whole, LIMIT - (len(airy(whole)) - len(whole)))


def head(judged: "Verdict", shown: int | None = None) -> str:
    """Paragraphs of Markdown; `shown` is how many of the gates are in the table, those that hold it up first."""
    gates = judged.gates[:shown]
    rows = [row(_COLUMNS), "|---" * len(_COLUMNS) + "|", *map(_gate, gates)]
    if more := len(judged.gates) - len(gates):
        rows.append(row((f"and {more} more gates", *[""] * (len(_COLUMNS) - 1))))
    names = [f"**{plain(name)}**" for name in held_up_by(judged)]
    meant = f"{meaning(judged)}{', because of ' if names else ''}{', '.join(names)}."
    parts = [f"## Verdict: {judged.verdict}", meant, "\n".join(rows)]
    if judged.note:
        parts.append(f"Note: {plain(judged.note)}.")
    return "\n\n".join(parts)


def meaning(judged: "Verdict") -> str:
    """What the verdict means, in words."""
    return _MEANING[judged.verdict]


def held_up_by(judged: "Verdict") -> list[str]:
    """The names of the gates that hold the version up."""
    return [gate.name for gate in judged.gates if gate.asks]


def row(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def airy(text: str) -> str:
    """The same with room between the cells of tables, which MLflow sets without any; said twice, it is done once.

    What is trimmed from a cell is white space: a no-break space is kept if something invisible follows it.
    """
    return re.sub(
        r"^\|.*$", lambda line: re.sub(rf"(?<![|{_INVISIBLE}]) \|", f"{_AIR} |", line.group()), text, flags=re.M
    )


def cut(text: str, limit: int) -> str:
    """As many whole lines as fit into `limit` characters."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 2].rpartition(chr(10))[0]}\n…"


def said(gate: "GateResult") -> str:
    """What became of a gate, in a word or two."""
    if gate.outcome == "failed" and gate.on_fail != "block":
        return {"review": "to be reviewed", "warn": "warning"}[gate.on_fail]
    return {"passed": "passed", "failed": "not passed", "undecided": "undecided"}[gate.outcome]


def interval(gate: "GateResult") -> str:
    """The interval of a gate and what it is of, unless it is of the measured share itself."""
    if gate.interval is None:
        return "–"
    low, high = map(number, gate.interval)
    return f"{low} to {high}" if gate.of == "share" else f"{gate.of} {low} to {high}"


def _gate(gate: "GateResult") -> str:
    outcome = f"**{said(gate)}**" if gate.asks else said(gate)
    count = "–" if gate.n is None else str(gate.n)
    needed = f"{gate.bound} {number(gate.needed)}"
    return row((plain(gate.name), number(gate.measured), needed, number(gate.champion), interval(gate), count, outcome))
