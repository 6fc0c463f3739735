"""What the reports of the stage `evaluate` tell a reviewer: the figures side by side, and the answers that changed."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from abreast.core.errors import AbreastError
from abreast.metrics.answers import normalised

_WHO = ("candidate", "champion", "base")
_IN_CONTEXT = "in_context"
_MEASURES = {
    "current_exact_match": ("right answers on what these drops brought", "current"),
    "retained_exact_match": ("right answers on what was known before", "retained"),
    "stale_rate": ("superseded answers given", "superseded"),
    "general_perplexity": ("perplexity on general text", None),
}
_ROUTER = "questions sent to the expert of their domain"
BETTER = 10
"""So many of the answers that changed for the better are kept; of those for the worse every one."""


class Measure(BaseModel):
    """One figure of each model, in the order of `Told.models`; `n` is the number of questions, where it is told."""

    model_config = ConfigDict(frozen=True)

    name: str
    meaning: str
    n: int | None
    values: tuple[float | None, ...]


class Answer(BaseModel):
    """What was answered before and now; before there is a champion, "before" is the untrained base."""

    model_config = ConfigDict(frozen=True)

    question: str
    before: str
    now: str
    right: str


class Changed(BaseModel):
    """How many answers, and those of them that are kept."""

    model_config = ConfigDict(frozen=True)

    count: int
    answers: tuple[Answer, ...]


class Told(BaseModel):
    """Figures and answers of one candidate.

    `models` are `candidate`, `champion`, `base`, and `in_context` if the base was asked with examples; `kinds` has a
    row for each figure of each kind of record, where there are more kinds than facts.
    """

    model_config = ConfigDict(frozen=True)

    models: tuple[str, ...]
    measures: tuple[Measure, ...]
    kinds: tuple[Measure, ...]
    learned: Changed
    lost: Changed
    stale: Changed


def read_told(reports: Path) -> Told:
    """Read `metrics.json` and `answers.jsonl` of the folder `reports`.

    Raises:
        AbreastError: one of them is missing or unreadable.
    """
    metrics, answers = _metrics(reports / "metrics.json"), _answers(reports / "answers.jsonl")
    models = (*_WHO, _IN_CONTEXT) if metrics.get(_IN_CONTEXT) else _WHO
    learned = [a for a in answers if _right(a, "candidate") and not _right(a, _former(a))]
    return Told(
        models=models,
        measures=tuple(_measures(metrics, models)),
        kinds=tuple(_kinds(metrics.get("by_kind", {}), models)),
        learned=Changed(count=len(learned), answers=tuple(map(_answer, _spread(learned)))),
        lost=_changed(a for a in answers if _right(a, _former(a)) and not _right(a, "candidate")),
        stale=_changed(a for a in answers if _same(a["candidate"], *a["stale"])),
    )


def _measures(metrics: dict[str, Any], models: Sequence[str]) -> Iterable[Measure]:
    for name, (meaning, counted) in _MEASURES.items():
        values = tuple((metrics.get(who) or {}).get(name) for who in models)
        yield Measure(name=name, meaning=meaning, n=metrics.get("counts", {}).get(counted), values=values)
    if router := metrics.get("router"):
        yield Measure(name="router", meaning=_ROUTER, n=None, values=tuple(router.get(who) for who in models))


def _kinds(by_kind: dict[str, Any], models: Sequence[str]) -> Iterable[Measure]:
    for kind, measured in by_kind.items() if set(by_kind) - {"fact"} else ():
        for scope, meaning in (("current", "new"), ("retained", "known before")):
            figures = [(measured.get(who) or {}).get(scope, {}) for who in models]
            for name in figures[0]:
                said = f"{kind}, {meaning} ({measured['counts'][scope]}): {name.replace('_', ' ')}"
                values = tuple(of.get(name) for of in figures)
                yield Measure(name=f"{kind}.{scope}.{name}", meaning=said, n=measured["counts"][scope], values=values)


def _spread(answers: list[dict]) -> list[dict]:
    """`BETTER` of them, one of each key as long as there are further keys."""
    first: dict[str, dict] = {}
    for answer in answers:
        first.setdefault(answer["key"], answer)
    chosen = [*first.values(), *(a for a in answers if first[a["key"]] is not a)]
    return chosen[:BETTER]


def _changed(found: Iterable[dict]) -> Changed:
    answers = tuple(map(_answer, found))
    return Changed(count=len(answers), answers=answers)


def _answer(answer: dict) -> Answer:
    before = answer[_former(answer)]
    return Answer(question=answer["question"], before=before, now=answer["candidate"], right=answer["answer"])


def _metrics(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise AbreastError(f"{path}: not readable ({error}); run the stage `evaluate`") from None


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
