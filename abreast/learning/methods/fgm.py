"""FGM: each batch is learned once more with what the trained layers read pushed one step in the worst direction.

The fast gradient method of Miyato et al. 2017 (arXiv:1605.07725), whose place is the embeddings; here it is what the
lowest trained layer reads of the mark and the answer, since all below is frozen.
"""

from collections.abc import Callable

from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol


def along(gradient: Tensor, norm: float) -> Tensor:
    """A step [texts, length, width] along the gradient, of that L2 norm for each text."""
    sizes = gradient.float().flatten(1).norm(dim=1).clamp(min=1e-12)
    return gradient * (norm / sizes).to(gradient.dtype)[:, None, None]


class FGM:
    """The mean loss on the shifted batch, weighted, beside that on the plain one."""

    class Knobs(protocol.Knobs):
        norm: float = Field(1.0, gt=0)
        weight: float = Field(1.0, gt=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def repeat(self, run: protocol.Run, inputs: Tensor, again: Callable[[Tensor], Tensor]) -> None:
        (self._knobs.weight * again(along(inputs, self._knobs.norm))).backward()
