"""PGD: as FGM, but searches the worst perturbation in several smaller steps inside a ball.

Projected gradient descent of Madry et al. 2018 (arXiv:1706.06083) in the L2 norm; it starts from zero instead of a
random perturbation, so that equal inputs give equal models.
"""

from collections.abc import Callable

import torch
from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol
from abreast.learning.methods.fgm import scaled_to_norm


def project_onto_ball(perturbation: Tensor, norm: float) -> Tensor:
    """The perturbation [texts, length, width] of each text, projected onto the ball of that L2 norm."""
    sizes = perturbation.float().flatten(1).norm(dim=1).clamp(min=norm)
    return perturbation * (norm / sizes).to(perturbation.dtype)[:, None, None]


class PGD:
    """Adds the mean loss on the perturbed batch, times `weight`."""

    class Knobs(protocol.Knobs):
        norm: float = Field(1.0, gt=0)
        step: float = Field(0.5, gt=0)
        steps: int = Field(3, ge=1)
        weight: float = Field(1.0, gt=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def after_backward(
        self, run: protocol.TrainingRun, input_gradients: Tensor, loss_at: Callable[[Tensor], Tensor]
    ) -> None:
        k, perturbation = self._knobs, torch.zeros_like(input_gradients)
        for step in range(k.steps):
            if step:
                perturbation.requires_grad_()
                (input_gradients,) = torch.autograd.grad(loss_at(perturbation), perturbation)
            moved = perturbation.detach() + scaled_to_norm(input_gradients, k.step)
            perturbation = project_onto_ball(moved, k.norm)
        (k.weight * loss_at(perturbation)).backward()
