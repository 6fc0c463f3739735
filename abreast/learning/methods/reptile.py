"""Reptile: slow weights follow the fast ones, after every few steps a part of their change.

Nichol et al. 2018 (arXiv:1803.02999), in its serial form: `every` steps on the examples are one task; the slow weights
move toward its result, and the next task starts from them. They start as the parent's. Evaluation after an epoch uses
the weights of that moment, within a task too; the optimizer keeps its moments.
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
    def on_step_end(self, run: protocol.TrainingRun) -> None:
        if (run.steps + 1) % self._knobs.every:
            return
        for name, fast in run.parameters.items():
            slow = torch.lerp(run.state.get(PREFIX + name, run.start[name]), fast, self._knobs.rate)
            run.state[PREFIX + name] = slow
            fast.copy_(slow)
