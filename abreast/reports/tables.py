"""The shares of right answers of several models, by drop and by slice, as rows of tables."""

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from abreast.core.errors import AbreastError
from abreast.dataset.examples import Question
from abreast.metrics.answers import share
from abreast.metrics.language import language
from abreast.metrics.slices import slices

COMPARED = ("base", "champion", "candidate")
"""The models that a drop's row is read back for."""
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


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as CSV; None is an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_by_drop(reports: Path) -> list[dict[str, Any]]:
    """The rows of `retention.csv`: `drop`, `name`, and the shares of base, champion and candidate.

    Raises:
        AbreastError: the file is missing or damaged.
    """
    path = reports / "retention.csv"
    try:
        with path.open(newline="") as file:
            return [
                {"drop": row["drop"], "name": row["name"]} | {w: float(row[w]) if row[w] else None for w in COMPARED}
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError) as error:
        raise AbreastError(f"{path}: not readable ({error!r}); run the stage `evaluate`") from None
