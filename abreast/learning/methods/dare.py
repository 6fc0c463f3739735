"""DARE: of what the update changed, a random part is dropped, and the rest is scaled up to make good for it.

Yu et al. 2024 (Language models are super Mario, arXiv:2311.03099) by PEFT's own function, with the parent as what the
changes are counted from. `density` is the share of changes that stays. The merged weights are used where the
development set does not speak against them; a first training has no parent to count from.
"""

from collections.abc import Callable
from typing import Any

import torch
from pydantic import Field

from abreast.learning.methods import protocol
from abreast.learning.methods.merged import keep_if_as_good


class Dare:
    """start + dropped (trained - start) / density; drawn on the processor, so that each device draws the same."""

    class Knobs(protocol.Knobs):
        density: float = Field(0.8, gt=0, lt=1)
        seed: int = 0

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def end(self, run: protocol.Run, score: Callable[[], Any]) -> None:
        from peft.utils.merge_utils import dare_linear

        if not run.parent:
            return
        merged, one = {}, torch.ones(1)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self._knobs.seed)
            for name, new in run.weights().items():
                change = dare_linear([(new - run.start[name]).cpu()], one.to(new.dtype), self._knobs.density)
                merged[name] = run.start[name] + change.to(new.device)
        keep_if_as_good(run, merged, score)
