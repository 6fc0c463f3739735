"""Average: keeps the mean of the weights over the training steps in place of the last weights.

Stochastic weight averaging of Izmailov et al. 2018 (arXiv:1803.05407), with `decay` below 1 its exponential form, which
forgets the first steps (Polyak and Juditsky 1992). The development set is evaluated with the mean, so the best mean is
kept. Of two methods that act after a step, the one listed later sees the effect of the earlier one.
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
    def on_step_end(self, run: protocol.TrainingRun) -> None:
        count = run.steps + 1 - self._knobs.after
        for name, parameter in run.parameters.items() if count >= 1 else ():
            if count == 1:
                run.state[PREFIX + name] = torch.zeros_like(parameter)
            run.state[PREFIX + name].lerp_(parameter, max(1 - self._knobs.decay, 1 / count))

    def eval_weights(self, run: protocol.TrainingRun) -> Mapping[str, Tensor]:
        means = {name: run.state.get(PREFIX + name) for name in run.parameters}
        return means if all(mean is not None for mean in means.values()) else run.weights()
