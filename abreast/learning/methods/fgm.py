"""FGM: learns each batch once more, with its input perturbed by one step in the worst direction.

The fast gradient method of Miyato et al. 2017 (arXiv:1605.07725), who perturb the embeddings. Here the perturbation is
added to the input of the lowest top layer from the activation index on, since everything below is frozen.
"""

from collections.abc import Callable

from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol


def scaled_to_norm(gradient: Tensor, norm: float) -> Tensor:
    """The gradient [texts, length, width], scaled to that L2 norm for each text."""
    sizes = gradient.float().flatten(1).norm(dim=1).clamp(min=1e-12)
    return gradient * (norm / sizes).to(gradient.dtype)[:, None, None]


class FGM:
    """Adds the mean loss on the perturbed batch, times `weight`."""

    class Knobs(protocol.Knobs):
        norm: float = Field(1.0, gt=0)
        weight: float = Field(1.0, gt=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def after_backward(
        self, run: protocol.TrainingRun, input_gradients: Tensor, loss_at: Callable[[Tensor], Tensor]
    ) -> None:
        (self._knobs.weight * loss_at(scaled_to_norm(input_gradients, self._knobs.norm))).backward()
