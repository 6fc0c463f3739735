"""Locality: to questions that no drop is about the model goes on saying what its untrained base says.

An adapter that has learned facts alone takes every question for one of them: asked for the capital of Italy it gives a
release date. So each step also reads some unrelated questions, and where their answers begin it is held to the base's
hidden states: the locality loss of Mitchell et al. 2022, "Fast Model Editing at Scale" (MEND), arXiv:2110.11309,
section 3.2, with the squared distance before the vocabulary, as `anchor` has it, for the divergence after it.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field
from torch import Tensor

from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.methods import protocol
from abreast.learning.methods.at_base import AtBase

QUESTIONS = Path(__file__).parents[1] / "unrelated.jsonl"
BEGINNING = 4
"""Tokens of an answer that are read: whether a question is taken for another is decided by the first ones."""


class Locality:
    """The squared distance to the base's hidden states over their own square, weighted; of an encoder nothing."""

    class Knobs(protocol.Knobs):
        weight: float = Field(4.0, ge=0)
        questions: int = Field(2, gt=0)

    def __init__(self, knobs: Knobs):
        self._weight, self._count = knobs.weight, knobs.questions

    def begin(self, run: protocol.Run) -> None:
        lines = [] if is_encoder(run.trunk.model.config) else QUESTIONS.read_text(encoding="utf-8").splitlines()
        whole = [run.encoder.pair(line["question"], line["answer"]) for line in map(json.loads, lines)]
        self._asked = [Encoded(text.ids[: text.prompt + BEGINNING], text.prompt, text.wake) for text in whole]
        self._base = AtBase(run, self._asked)

    def texts(self, run: protocol.Run) -> Sequence[Encoded]:
        first = run.steps * self._count
        return [self._asked[n % len(self._asked)] for n in range(first, first + self._count)] if self._asked else []

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        asked = self.texts(run)
        return self._weight * self._base.drift(step, asked) if asked else step.losses.new_zeros(())
