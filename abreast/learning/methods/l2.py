"""L2 to the parent: the weights are drawn to where the training starts.

L2-SP of Li et al. 2018 (arXiv:1802.01483) with the parent as the starting point. In a first training there is no
parent, and nothing is held.
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

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        pairs = [(p, run.start[name]) for name, p in run.parameters.items()] if run.parent else []
        return self._weight / 2 * sum(((p - start).square().sum() for p, start in pairs), step.losses.new_zeros(()))
