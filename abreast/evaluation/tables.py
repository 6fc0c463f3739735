"""The shares of right answers of several models, by drop and by slice, as rows of tables."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from abreast.evaluation.measures.answers import share
from abreast.evaluation.measures.language import language
from abreast.evaluation.measures.slices import slices
from abreast.knowledge.lesson import Question

Right = Mapping[str, Sequence[bool] | None]
"""For each model whether each question was answered rightly; None for a model that there is not."""

SLICES: dict[str, Callable[[Question], str]] = {
    "kind": lambda question: question.kind,
    "domain": lambda question: question.domain,
    "source": lambda question: question.source,
    "language": lambda question: language(f"{question.question} {question.answer}"),
}


def by_drop(questions: Sequence[Question], right: Right) -> list[dict[str, Any]]:
    """A row for each drop, in the order in which they arrived: `drop,name,questions` and each model's share."""
    rows = []
    for _, drop, name in sorted({(q.arrived_at, q.drop, q.drop_name) for q in questions}):
        numbers = [number for number, question in enumerate(questions) if question.drop == drop]
        row: dict[str, Any] = {"drop": drop, "name": name, "questions": len(numbers)}
        rows.append(row | {who: share([hits[n] for n in numbers]) if hits else None for who, hits in right.items()})
    return rows


def by_slice(questions: Sequence[Question], right: Right) -> list[dict[str, Any]]:
    """A row for each kind, domain, source and language: `by,name,questions` and each model's share."""
    rows = []
    for by, name_of in SLICES.items():
        names = [name_of(question) for question in questions]
        found = {who: slices(share, names, hits) if hits else None for who, hits in right.items()}
        for number, (name, count, _) in enumerate(slices(len, names, names)):
            shares = {who: held[number].score if held else None for who, held in found.items()}
            rows.append({"by": by, "name": name, "questions": count} | shares)
    return rows
