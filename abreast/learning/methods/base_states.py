"""The hidden states of the untrained base on some texts, as a target for `anchor` and `locality`."""

from collections.abc import Sequence

import torch
from torch import Tensor

from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.methods import protocol

BATCH = 32
"""Texts in one pass."""


class BaseStates:
    """The base's hidden states on each of some texts, computed once."""

    @torch.no_grad()
    def __init__(self, run: protocol.TrainingRun, texts: Sequence[TokenizedExample]):
        run.backbone.precompute(texts)
        self._states: dict[TokenizedExample, Tensor] = {}
        ordered = sorted(set(texts), key=lambda text: len(text.ids))
        with run.backbone.adapter_disabled():
            for start in range(0, len(ordered), BATCH):
                batch = ordered[start : start + BATCH]
                hidden, _, owner = run.backbone.completion_states(batch)
                self._states |= {text: hidden[owner == row].clone() for row, text in enumerate(batch)}

    def distance(self, step: protocol.TrainingStep, texts: Sequence[TokenizedExample]) -> Tensor:
        """The squared distance to the base's states, relative to their squared norm, on texts added to the step."""
        states = torch.cat([self._states[text] for text in texts])
        own = torch.cat([step.hidden[step.rows(text)] for text in texts])
        return (own - states).square().sum() / states.square().sum()
