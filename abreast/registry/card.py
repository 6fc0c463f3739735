"""The page of a version in the registry: Markdown that a reviewer reads in a minute."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.errors import AbreastError
from abreast.evaluation.measures.answers import normalised
from abreast.registry.ledger import Drop

if TYPE_CHECKING:
    from abreast.evaluation.verdict import GateResult, Verdict

_SAMPLE = 5
_RULE = "\n\n---\n\n"
_WHO = ("candidate", "champion", "base")
_IN_CONTEXT = "in_context"
_HEADS = {
    "candidate": "this version",
    "champion": "champion",
    "base": "untrained base",
    _IN_CONTEXT: "base with examples",
}
_MEASURES = {
    "current_exact_match": "right answers on what these drops brought",
    "retained_exact_match": "right answers on what was known before",
    "stale_rate": "superseded answers given",
    "general_perplexity": "perplexity on general text",
}
_ROUTER = "questions sent to the expert of their domain"


def describe(reports: Path, drops: Sequence[Drop], parent: int | None, update: str, commit: str) -> str:
    """What arrived, what was learned, lost and is stale, and where the version comes from.

    Args:
        reports: the folder with `metrics.json` and `answers.jsonl`, as the stage `evaluate` writes them.
    """
    answers = _answers(reports / "answers.jsonl")
    source = "the base model" if parent is None else f"v{parent}"
    parts = [
        f"From {source}, by update {update} at commit `{commit[:12]}`.",
        "### What arrived\n" + "\n".join(f"- {d.name}: {d.accepted} records (`{d.digest[:12]}`)" for d in drops),
        "### What was measured\n" + _table(json.loads((reports / "metrics.json").read_text())),
        _section("Learned", [a for a in answers if _right(a, "candidate") and not _right(a, _former(a))]),
        _section("Lost", [a for a in answers if _right(a, _former(a)) and not _right(a, "candidate")]),
        _section("Stale", [a for a in answers if _same(a["candidate"], *a["stale"])]),
    ]
    return "\n\n".join(parts)


def with_verdict(description: str, judged: "Verdict") -> str:
    """The description with the verdict and its gates at its head, in place of an earlier verdict."""
    body = description.rsplit(_RULE, 1)[-1]
    head = "| gate | measured | needed | champion | interval | n | |"
    rows = [head, "|---" * head.count(" |") + "|", *map(_gate, judged.gates)]
    note = f"\n\nNote: {judged.note}." if judged.note else ""
    return f"## Verdict: {judged.verdict}\n\n{chr(10).join(rows)}{note}{_RULE}{body}"


def _gate(gate: "GateResult") -> str:
    needed = f"{gate.bound} {_number(gate.needed)}"
    interval = "–"
    if gate.interval is not None:
        low, high = (_number(end) for end in gate.interval)
        interval = f"{low} to {high}" if gate.of == "share" else f"{gate.of} {low} to {high}"
    count = "–" if gate.n is None else str(gate.n)
    figures = f"| {_plain(gate.name)} | {_number(gate.measured)} | {needed} | {_number(gate.champion)} | {interval} |"
    return f"{figures} {count} | {_said(gate)} |"


def _said(gate: "GateResult") -> str:
    if gate.outcome == "failed" and gate.does != "block":
        return {"review": "**to be reviewed**", "warn": "warning"}[gate.does]
    return {"passed": "passed", "failed": "**not passed**", "undecided": "**undecided**"}[gate.outcome]


def _table(metrics: dict) -> str:
    """Candidate, champion and base side by side, and the base with examples if it was asked so."""
    who = (*_WHO, _IN_CONTEXT) if metrics.get(_IN_CONTEXT) else _WHO
    rows = [f"| measure | {' | '.join(_HEADS[one] for one in who)} |", "|---" * (len(who) + 1) + "|"]
    for name, meaning in _MEASURES.items():
        cells = [_number((metrics.get(one) or {}).get(name)) for one in who]
        rows.append(f"| {meaning} | {' | '.join(cells)} |")
    if router := metrics.get("router"):
        rows.append(f"| {_ROUTER} | {' | '.join(_number(router.get(one)) for one in who)} |")
    by_kind = metrics.get("by_kind", {})
    if set(by_kind) - {"fact"}:
        rows += [row for kind, measured in by_kind.items() for row in _kind_rows(kind, measured, who)]
    return "\n".join(rows)


def _kind_rows(kind: str, measured: dict, who: Sequence[str]) -> list[str]:
    """A row for each figure of one kind of record, on what is new and on what was known before."""
    rows = []
    for scope, meaning in (("current", "new"), ("retained", "known before")):
        figures = {one: (measured.get(one) or {}).get(scope, {}) for one in who}
        for name in figures["candidate"]:
            cells = " | ".join(_number(figures[one].get(name)) for one in who)
            rows.append(f"| {kind}, {meaning} ({measured['counts'][scope]}): {name.replace('_', ' ')} | {cells} |")
    return rows


def _section(title: str, answers: Sequence[dict]) -> str:
    """How many answers, and the first few of them."""
    lines = [f"### {title}: {len(answers)}"]
    for answer in answers[:_SAMPLE]:
        before = f"before {_code(answer[_former(answer)])}, right is {_code(answer['answer'])}"
        lines.append(f"- {_plain(answer['question'])} {_code(answer['candidate'])}; {before}")
    if len(answers) > _SAMPLE:
        lines.append(f"- and {len(answers) - _SAMPLE} more in the run's `reports/answers.jsonl`")
    return "\n".join(lines)


def _answers(path: Path) -> list[dict]:
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except (OSError, ValueError) as error:
        raise AbreastError(f"{path}: not readable ({error}); run the stage `evaluate`") from None


def _former(answer: dict) -> str:
    """Whom the candidate is compared with: the champion; before there is one, the untrained base."""
    return "base" if answer["champion"] is None else "champion"


def _right(answer: dict, who: str) -> bool:
    """As the stage `evaluate` counted it: what is right depends on the kind of record."""
    return bool(answer["right"][who])


def _same(given: str, *wanted: str) -> bool:
    """Compared as the measures compare, so that the page counts what they count."""
    return normalised(given) in map(normalised, wanted)


def _plain(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())[:200]


def _code(text: str) -> str:
    return f"`{_plain(text).replace('`', chr(39)) or ' '}`"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
