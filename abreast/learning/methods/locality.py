"""Locality: keeps the base's answers to questions that no drop is about.

An adapter that has learned only facts takes every question for one of them: asked for the capital of Italy, it gives a
release date. So each step also runs some unrelated questions, and keeps the hidden states near the base's where their
answers begin: the locality loss of Mitchell et al. 2022, "Fast Model Editing at Scale" (MEND), arXiv:2110.11309,
section 3.2, with the squared distance of hidden states, as in `anchor`, in place of the divergence of logits.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field
from torch import Tensor

from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.methods import protocol
from abreast.learning.methods.base_states import BaseStates

QUESTIONS = Path(__file__).parents[1] / "unrelated.jsonl"
ANSWER_TOKENS = 4
"""Tokens of an answer that are run: the first tokens decide whether the model confuses two questions."""


class Locality:
    """The squared distance to the base's hidden states, relative to their squared norm; nothing for an encoder."""

    class Knobs(protocol.Knobs):
        weight: float = Field(4.0, ge=0)
        questions: int = Field(2, gt=0)

    def __init__(self, knobs: Knobs):
        self._weight, self._count = knobs.weight, knobs.questions

    def on_train_begin(self, run: protocol.TrainingRun) -> None:
        lines = [] if is_encoder(run.backbone.model.config) else QUESTIONS.read_text(encoding="utf-8").splitlines()
        rows = [json.loads(line) for line in lines]
        self._questions = [_beginning(run.tokenizer.pair(row["question"], row["answer"])) for row in rows]
        self._base = BaseStates(run, self._questions)

    def extra_batch(self, run: protocol.TrainingRun) -> Sequence[TokenizedExample]:
        first, questions = run.steps * self._count, self._questions
        return [questions[n % len(questions)] for n in range(first, first + self._count)] if questions else []

    def extra_loss(self, run: protocol.TrainingRun, step: protocol.TrainingStep) -> Tensor:
        texts = self.extra_batch(run)
        return self._weight * self._base.distance(step, texts) if texts else step.losses.new_zeros(())


def _beginning(text: TokenizedExample) -> TokenizedExample:
    """The prompt and the first tokens of the answer."""
    return TokenizedExample(text.ids[: text.prompt_length + ANSWER_TOKENS], text.prompt_length, text.activation_index)
