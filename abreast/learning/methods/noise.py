"""Noise: some lessons are taught once more with typing errors in the question, so that people may mistype.

Training on noisy text, the cure of Belinkov and Bisk 2018 (arXiv:1711.02173), with the errors by which robustness is
measured (`abreast.dataset.typos`), but with seeds below zero, which no measure takes. The answer is as it was. Of
tagging, whose answers are words of the question, and of raw text, which has none, nothing is disturbed.
"""

from collections.abc import Sequence

from pydantic import Field

from abreast.dataset.examples import Example
from abreast.dataset.sampling import stable_hash
from abreast.dataset.typos import typed_badly
from abreast.learning.methods import protocol

KINDS = ("fact", "instruction", "classification", "regression")


class Noise:
    """Of a `share` of the lessons a copy is added in which each letter is mistyped with probability `rate`."""

    class Knobs(protocol.Knobs):
        rate: float = Field(0.05, gt=0, le=1)
        share: float = Field(0.5, gt=0, le=1)
        seed: int = Field(17, ge=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def rewrite(self, run: protocol.Run, lessons: Sequence[Example]) -> list[Example]:
        copies = [self._disturbed(lesson) for lesson in lessons if lesson.kind in KINDS and self._drawn(lesson)]
        clean = {lesson.question for lesson in lessons}
        return [*lessons, *(copy for copy in copies if copy.question not in clean)]

    def _drawn(self, lesson: Example) -> bool:
        return stable_hash(lesson.id, f"{self._knobs.seed} noise") < self._knobs.share * 2**64

    def _disturbed(self, lesson: Example) -> Example:
        question = typed_badly(lesson.question, self._knobs.rate, -1 - self._knobs.seed)
        return lesson.model_copy(update={"id": f"{lesson.id}-noise", "question": question})
