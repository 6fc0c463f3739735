"""Noise: teaches some examples once more with typing errors in the question.

Training on noisy text, as Belinkov and Bisk 2018 (arXiv:1711.02173) propose, with the errors by which robustness is
measured (`abreast.dataset.typos`), but with seeds below zero, which no measure uses. The answer is unchanged. It skips
tagging, whose answers are words of the question, and raw text, which has no question.
"""

from collections.abc import Sequence

from pydantic import Field

from abreast.dataset.examples import Example
from abreast.dataset.sampling import stable_hash
from abreast.dataset.typos import with_typos
from abreast.learning.methods import protocol

KINDS = ("fact", "instruction", "classification", "regression")


class Noise:
    """Adds a copy of a `share` of the examples in which each letter is mistyped with probability `rate`."""

    class Knobs(protocol.Knobs):
        rate: float = Field(0.05, gt=0, le=1)
        share: float = Field(0.5, gt=0, le=1)
        seed: int = Field(17, ge=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def map_examples(self, run: protocol.TrainingRun, examples: Sequence[Example]) -> list[Example]:
        copies = [self._mistyped(example) for example in examples if example.kind in KINDS and self._chosen(example)]
        clean = {example.question for example in examples}
        return [*examples, *(copy for copy in copies if copy.question not in clean)]

    def _chosen(self, example: Example) -> bool:
        return stable_hash(example.id, f"{self._knobs.seed} noise") < self._knobs.share * 2**64

    def _mistyped(self, example: Example) -> Example:
        question = with_typos(example.question, self._knobs.rate, -1 - self._knobs.seed)
        return example.model_copy(update={"id": f"{example.id}-noise", "question": question})
