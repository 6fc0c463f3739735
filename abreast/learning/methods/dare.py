"""DARE: drops a random part of the update's changes to the weights, and scales up the rest.

Yu et al. 2024 (Language models are super Mario, arXiv:2311.03099) by PEFT's own function; changes are counted from the
parent. `density` is the share of changes that stays. The merged weights are kept unless they answer fewer development
questions; without a parent the method does nothing.
"""

from collections.abc import Callable
from typing import Any

import torch
from pydantic import Field

from abreast.learning.methods import protocol
from abreast.learning.methods.merge_check import keep_if_as_good


class Dare:
    """start + dropped (trained - start) / density; drawn on the CPU, so that every device draws the same."""

    class Knobs(protocol.Knobs):
        density: float = Field(0.8, gt=0, lt=1)
        seed: int = 0

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def on_train_end(self, run: protocol.TrainingRun, score: Callable[[], Any]) -> None:
        from peft.utils.merge_utils import dare_linear

        if not run.has_parent:
            return
        merged, one = {}, torch.ones(1)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self._knobs.seed)
            for name, new in run.weights().items():
                change = dare_linear([(new - run.start[name]).cpu()], one.to(new.dtype), self._knobs.density)
                merged[name] = run.start[name] + change.to(new.device)
        keep_if_as_good(run, merged, score)
