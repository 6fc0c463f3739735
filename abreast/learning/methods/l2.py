"""L2 to the parent: keeps the weights near the start of the training.

L2-SP of Li et al. 2018 (arXiv:1802.01483) with the parent as the starting point. Without a parent it does nothing.
"""

from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol


class L2:
    """Half the squared distance to the parent's weights, times `weight`."""

    class Knobs(protocol.Knobs):
        weight: float = Field(0.01, ge=0)

    def __init__(self, knobs: Knobs):
        self._weight = knobs.weight

    def extra_loss(self, run: protocol.TrainingRun, step: protocol.TrainingStep) -> Tensor:
        pairs = [(p, run.start[name]) for name, p in run.parameters.items()] if run.has_parent else []
        return self._weight / 2 * sum(((p - start).square().sum() for p, start in pairs), step.losses.new_zeros(()))
