"""Reptile: the weights run ahead for some steps, then only part of the way is kept.

Nichol et al. 2018 (arXiv:1803.02999), in its serial form: `every` steps on the lessons are one task, and the slow
weights move toward where it led; the next task starts from them. They begin as the parent's. The development set is
asked after each epoch, wherever the weights are then; the optimizer's moments go on through it all.
"""

import torch
from pydantic import Field

from abreast.learning.methods import protocol

PREFIX = "reptile/"


class Reptile:
    """slow += rate (fast - slow), fast = slow, after each `every` steps."""

    class Knobs(protocol.Knobs):
        every: int = Field(5, ge=2)
        rate: float = Field(0.5, gt=0, le=1)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    @torch.no_grad()
    def follow(self, run: protocol.Run) -> None:
        if (run.steps + 1) % self._knobs.every:
            return
        for name, fast in run.parameters.items():
            slow = torch.lerp(run.state.get(PREFIX + name, run.start[name]), fast, self._knobs.rate)
            run.state[PREFIX + name] = slow
            fast.copy_(slow)
