"""TIES: trims parent and candidate, elects a sign for each weight, and averages the values with that sign.

Yadav et al. 2023 (arXiv:2306.01708) by PEFT's own function, on LoRA's A and B, as PEFT does: each adapter is its own
difference from the base. `density` is the share of each matrix that is kept, the largest values; a tensor too small to
keep any (the gate of a prefix is one number) stays as trained. The merged weights are kept unless they answer fewer
development questions; without a parent the method does nothing.
"""

from collections.abc import Callable
from typing import Any

import torch
from pydantic import Field

from abreast.learning.methods import protocol
from abreast.learning.methods.merge_check import keep_if_as_good


class Ties:
    """The TIES merge of the parent's and the candidate's weights, both with weight 1."""

    class Knobs(protocol.Knobs):
        density: float = Field(0.8, gt=0, lt=1)

    def __init__(self, knobs: Knobs):
        self._density = knobs.density

    def on_train_end(self, run: protocol.TrainingRun, score: Callable[[], Any]) -> None:
        from peft.utils.merge_utils import ties

        if not (run.has_parent and run.examples):
            return
        ones = torch.ones(2)
        pairs = {name: [run.start[name], new] for name, new in run.weights().items()}
        large = {name: pair for name, pair in pairs.items() if pair[0].numel() * self._density >= 1}
        merged = {name: ties(pair, ones.to(pair[0]), self._density) for name, pair in large.items()}
        merged = {name: merged.get(name, pair[1]) for name, pair in pairs.items()}
        keep_if_as_good(run, merged, score)
