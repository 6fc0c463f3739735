"""PGD: as FGM, with the worst shift sought in several smaller steps inside a ball.

Projected gradient descent of Madry et al. 2018 (arXiv:1706.06083) in the L2 norm; it starts from no shift instead of a
random one, so that equal inputs give equal models.
"""

from collections.abc import Callable

import torch
from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol
from abreast.learning.methods.fgm import along


def inside(shift: Tensor, norm: float) -> Tensor:
    """The shift [texts, length, width] of each text brought back into the ball of that L2 norm."""
    sizes = shift.float().flatten(1).norm(dim=1).clamp(min=norm)
    return shift * (norm / sizes).to(shift.dtype)[:, None, None]


class PGD:
    """The mean loss on the shifted batch, weighted, beside that on the plain one."""

    class Knobs(protocol.Knobs):
        norm: float = Field(1.0, gt=0)
        step: float = Field(0.5, gt=0)
        steps: int = Field(3, ge=1)
        weight: float = Field(1.0, gt=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def repeat(self, run: protocol.Run, inputs: Tensor, again: Callable[[Tensor], Tensor]) -> None:
        k, shift = self._knobs, torch.zeros_like(inputs)
        for step in range(k.steps):
            if step:
                shift.requires_grad_()
                (inputs,) = torch.autograd.grad(again(shift), shift)
            shift = inside(shift.detach() + along(inputs, k.step), k.norm)
        (k.weight * again(shift)).backward()
