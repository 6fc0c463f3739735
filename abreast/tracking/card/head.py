"""The head of a version's description in MLflow: the verdict, the gates that hold the version up, and all others."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from abreast.tracking.card.escape import escape_text, number_text

if TYPE_CHECKING:
    from abreast.reports.verdict import GateResult, Verdict

LIMIT = 5000
"""The longest description that MLflow stores, in characters; PostgreSQL and MySQL refuse more."""
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

    After `pad_table` it is no longer than `LIMIT`: if it is too long, passed gates become a number, the last ones
    first, and at worst the end of the description is cut off.
    """
    body = description.rsplit(RULE, 1)[-1]
    for shown in range(len(judged.gates), -1, -1):
        whole = f"{verdict_head(judged, shown)}{RULE}{body}"
        if len(pad_table(whole)) <= LIMIT or all(gate.asks for gate in judged.gates[:shown]):
            break
    return fit_lines(whole, LIMIT - (len(pad_table(whole)) - len(whole)))


def verdict_head(judged: "Verdict", shown: int | None = None) -> str:
    """The verdict in Markdown; `shown` is how many gates the table has, those that hold the version up first."""
    gates = judged.gates[:shown]
    rows = [table_row(_COLUMNS), "|---" * len(_COLUMNS) + "|", *map(_gate, gates)]
    if more := len(judged.gates) - len(gates):
        rows.append(table_row((f"and {more} more gates", *[""] * (len(_COLUMNS) - 1))))
    names = [f"**{escape_text(name)}**" for name in held_up_by(judged)]
    meant = f"{verdict_meaning(judged)}{', because of ' if names else ''}{', '.join(names)}."
    parts = [f"## Verdict: {judged.verdict}", meant, "\n".join(rows)]
    if judged.note:
        parts.append(f"Note: {escape_text(judged.note)}.")
    return "\n\n".join(parts)


def verdict_meaning(judged: "Verdict") -> str:
    """What the verdict means, in words."""
    return _MEANING[judged.verdict]


def held_up_by(judged: "Verdict") -> list[str]:
    """The names of the gates that hold the version up."""
    return [gate.name for gate in judged.gates if gate.asks]


def table_row(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def pad_table(text: str) -> str:
    """The text with padding between the cells of its tables, which MLflow renders without any; idempotent.

    MLflow trims white space from cells, but keeps a no-break space if an invisible character follows.
    """
    return re.sub(
        r"^\|.*$", lambda line: re.sub(rf"(?<![|{_INVISIBLE}]) \|", f"{_AIR} |", line.group()), text, flags=re.M
    )


def fit_lines(text: str, limit: int) -> str:
    """As many whole lines as fit into `limit` characters."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 2].rpartition(chr(10))[0]}\n…"


def gate_outcome(gate: "GateResult") -> str:
    """The outcome of a gate in a word or two."""
    if gate.outcome == "failed" and gate.on_fail != "block":
        return {"review": "to be reviewed", "warn": "warning"}[gate.on_fail]
    return {"passed": "passed", "failed": "not passed", "undecided": "undecided"}[gate.outcome]


def interval_text(gate: "GateResult") -> str:
    """The interval of a gate, with its kind unless it is that of the measured share itself."""
    if gate.interval is None:
        return "–"
    low, high = map(number_text, gate.interval)
    return f"{low} to {high}" if gate.of == "share" else f"{gate.of} {low} to {high}"


def _gate(gate: "GateResult") -> str:
    outcome = f"**{gate_outcome(gate)}**" if gate.asks else gate_outcome(gate)
    count = "–" if gate.n is None else str(gate.n)
    needed = f"{gate.bound} {number_text(gate.needed)}"
    figures = (number_text(gate.measured), needed, number_text(gate.champion), interval_text(gate))
    return table_row((escape_text(gate.name), *figures, count, outcome))
