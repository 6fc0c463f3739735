"""What an encoder's heads can say: labels and tags in their order, and the scale of numbers; it only ever grows.

There is one head for each kind of record, whatever the domain: whoever asks does not name a domain, so all labels of a
kind stand against each other, as they do for a model that writes.
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

Lesson = Example | Question


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Scale(_Frozen):
    """Mean and standard deviation of the numbers of the first drop that brought any."""

    mean: float
    deviation: float = Field(gt=0)


class Labels(_Frozen):
    """The labels of each head in the order of its rows; tags are `O`, then `B-` and `I-` of each type."""

    classification: tuple[str, ...] = ()
    tagging: tuple[str, ...] = ()
    regression: Scale | None = None

    def rows(self) -> dict[str, int]:
        """How many rows each head has; only heads that have any."""
        counts = {kind: len(getattr(self, kind)) for kind in ("classification", "tagging")}
        counts["regression"] = int(self.regression is not None)
        return {kind: count for kind, count in counts.items() if count}


def grown(labels: Labels, lessons: Iterable[Lesson]) -> Labels:
    """With what is new in `lessons` behind what there is, in alphabetical order; the scale is set once.

    Raises:
        AbreastError: a number to learn is none.
    """
    answers: dict[str, list[Lesson]] = {}
    for lesson in lessons:
        answers.setdefault(lesson.kind, []).append(lesson)
    classes = {lesson.answer for lesson in answers.get("classification", ())}
    numbers = [_number(lesson) for lesson in answers.get("regression", ())]
    return Labels(
        classification=(*labels.classification, *sorted(classes - set(labels.classification))),
        tagging=_tags(labels.tagging, answers.get("tagging", [])),
        regression=labels.regression or (_scale(numbers) if numbers else None),
    )


def _tags(known: tuple[str, ...], lessons: list[Lesson]) -> tuple[str, ...]:
    found = {tag for lesson in lessons for tag in _tags_in(lesson)}
    types = sorted({tag.partition("-")[2] for tag in found - {OUTSIDE, *known}})
    begun = known or ((OUTSIDE,) if lessons else ())
    new = [tag for kind in types for tag in (f"B-{kind}", f"I-{kind}") if tag not in known]
    return (*begun, *new)


def _tags_in(lesson: Lesson) -> list[str]:
    """Those of the words; what an answer tells that is not in the sentence has no place."""
    return tags_of(lesson.question, lesson.answer)[: len(lesson.question.split(" "))]


def _number(lesson: Lesson) -> float:
    if (number := read_number(lesson.answer)) is None:
        raise AbreastError(f"data/train.jsonl: {lesson.id}: {lesson.answer!r} is no number")
    return number


def _scale(numbers: list[float]) -> Scale:
    mean = fmean(numbers)
    return Scale(mean=mean, deviation=sqrt(fmean((number - mean) ** 2 for number in numbers)) or 1.0)
