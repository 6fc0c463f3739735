"""Anchor: on general text, the model is held to the hidden states of its untrained base.

Learning without forgetting (Li and Hoiem 2016, arXiv:1606.09282) with the base as the teacher, on a text that no drop
holds, and before the vocabulary instead of after it, which is cheaper. Each step reads one short piece of the text as
an answer, so the adapter is awake in all of it.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field
from torch import Tensor

from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.methods import protocol
from abreast.learning.methods.at_base import AtBase

TEXT = Path(__file__).parents[1] / "anchor.txt"
LENGTH = 12
"""Tokens of one piece: as short as an answer, for each step of the training pays for one."""


class Anchor:
    """The squared distance to the base's hidden states over their own square, weighted."""

    class Knobs(protocol.Knobs):
        weight: float = Field(4.0, ge=0)

    def __init__(self, knobs: Knobs):
        self._weight = knobs.weight

    def begin(self, run: protocol.Run) -> None:
        self._pieces = run.encoder.pieces(TEXT.read_text(encoding="utf-8"), LENGTH)
        self._base = AtBase(run, self._pieces)

    def texts(self, run: protocol.Run) -> Sequence[Encoded]:
        return [self._pieces[run.steps % len(self._pieces)]]

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        return self._weight * self._base.drift(step, self.texts(run))
