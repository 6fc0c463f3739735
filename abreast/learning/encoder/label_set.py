"""The labels of an encoder's heads: classes and tags in their order, and the scale of numbers. Labels are only added.

There is one head for each kind of record, whatever the domain: no question names its domain, so all labels of a kind
compete with each other, as they do in a model that generates text.
"""

from collections.abc import Iterable
from math import sqrt
from statistics import fmean

from pydantic import BaseModel, ConfigDict, Field

from abreast.core.errors import AbreastError
from abreast.dataset.examples import Example, Question
from abreast.dataset.number_answer import read_number
from abreast.dataset.span_answer import tags_of
from abreast.dataset.spans import OUTSIDE

ExampleOrQuestion = Example | Question


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Scale(_Frozen):
    """Mean and standard deviation of the numbers of the first drop that has any."""

    mean: float
    deviation: float = Field(gt=0)


class Labels(_Frozen):
    """The labels of each head in the order of its rows; tags are `O`, then `B-` and `I-` of each type."""

    classification: tuple[str, ...] = ()
    tagging: tuple[str, ...] = ()
    regression: Scale | None = None

    def rows(self) -> dict[str, int]:
        """The number of rows of each head; only heads that have any."""
        counts = {kind: len(getattr(self, kind)) for kind in ("classification", "tagging")}
        counts["regression"] = int(self.regression is not None)
        return {kind: count for kind, count in counts.items() if count}


def extend_labels(labels: Labels, examples: Iterable[ExampleOrQuestion]) -> Labels:
    """Append the new labels of `examples` in alphabetical order; the scale is set once.

    Raises:
        AbreastError: the answer of a regression example is not a number.
    """
    by_kind: dict[str, list[ExampleOrQuestion]] = {}
    for example in examples:
        by_kind.setdefault(example.kind, []).append(example)
    classes = {example.answer for example in by_kind.get("classification", ())}
    numbers = [_number(example) for example in by_kind.get("regression", ())]
    return Labels(
        classification=(*labels.classification, *sorted(classes - set(labels.classification))),
        tagging=_extend_tags(labels.tagging, by_kind.get("tagging", [])),
        regression=labels.regression or (_scale(numbers) if numbers else None),
    )


def _extend_tags(known: tuple[str, ...], examples: list[ExampleOrQuestion]) -> tuple[str, ...]:
    found = {tag for example in examples for tag in _tags_in(example)}
    types = sorted({tag.partition("-")[2] for tag in found - {OUTSIDE, *known}})
    first = known or ((OUTSIDE,) if examples else ())
    new = [tag for kind in types for tag in (f"B-{kind}", f"I-{kind}") if tag not in known]
    return (*first, *new)


def _tags_in(example: ExampleOrQuestion) -> list[str]:
    """The tags of the words; an answer's spans that are not in the sentence have no position."""
    return tags_of(example.question, example.answer)[: len(example.question.split(" "))]


def _number(example: ExampleOrQuestion) -> float:
    if (number := read_number(example.answer)) is None:
        raise AbreastError(f"data/train.jsonl: {example.id}: {example.answer!r} is not a number")
    return number


def _scale(numbers: list[float]) -> Scale:
    mean = fmean(numbers)
    return Scale(mean=mean, deviation=sqrt(fmean((number - mean) ** 2 for number in numbers)) or 1.0)
