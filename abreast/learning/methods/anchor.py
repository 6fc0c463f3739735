"""Anchor: on general text, keeps the hidden states near those of the untrained base.

Learning without forgetting (Li and Hoiem 2016, arXiv:1606.09282) with the base as the teacher, on a text that is in no
drop, and on hidden states instead of logits, which is cheaper. Each step runs one short piece of the text as an answer,
so the adapter is active in all of it.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field
from torch import Tensor

from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.methods import protocol
from abreast.learning.methods.base_states import BaseStates

TEXT = Path(__file__).parents[1] / "anchor.txt"
LENGTH = 12
"""Tokens of one piece: as short as an answer, since each training step runs one piece."""


class Anchor:
    """The squared distance to the base's hidden states, relative to their squared norm, times `weight`."""

    class Knobs(protocol.Knobs):
        weight: float = Field(4.0, ge=0)

    def __init__(self, knobs: Knobs):
        self._weight = knobs.weight

    def on_train_begin(self, run: protocol.TrainingRun) -> None:
        self._pieces = run.tokenizer.fixed_pieces(TEXT.read_text(encoding="utf-8"), LENGTH)
        self._base = BaseStates(run, self._pieces)

    def extra_batch(self, run: protocol.TrainingRun) -> Sequence[TokenizedExample]:
        return [self._pieces[run.steps % len(self._pieces)]]

    def extra_loss(self, run: protocol.TrainingRun, step: protocol.TrainingStep) -> Tensor:
        return self._weight * self._base.distance(step, self.extra_batch(run))
