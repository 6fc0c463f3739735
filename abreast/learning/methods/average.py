"""Slow averaging: the mean of the weights along the way, in place of the last ones.

Stochastic weight averaging of Izmailov et al. 2018 (arXiv:1803.05407), with `decay` below 1 its exponential form, which
forgets the first steps (Polyak and Juditsky 1992). The mean is what the development set is asked with, so the best mean
is what is kept. Of two methods that act after a step, the one listed later sees what the earlier one did.
"""

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol

PREFIX = "average/"


class Average:
    """mean += max(1 - decay, 1 / n) (weights - mean) after the n-th step counted; n starts after `after` steps."""

    class Knobs(protocol.Knobs):
        decay: float = Field(0.95, gt=0, le=1)
        after: int = Field(0, ge=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    @torch.no_grad()
    def follow(self, run: protocol.Run) -> None:
        count = run.steps + 1 - self._knobs.after
        for name, parameter in run.parameters.items() if count >= 1 else ():
            if count == 1:
                run.state[PREFIX + name] = torch.zeros_like(parameter)
            run.state[PREFIX + name].lerp_(parameter, max(1 - self._knobs.decay, 1 / count))

    def offer(self, run: protocol.Run) -> Mapping[str, Tensor]:
        means = {name: run.state.get(PREFIX + name) for name in run.parameters}
        return means if all(mean is not None for mean in means.values()) else run.weights()
