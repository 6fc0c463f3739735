"""What all merging methods share: merged weights stay only where the development set does not speak against them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from abreast.learning.strategies.protocol import Run


@torch.no_grad()
def put(run: Run, weights: Mapping[str, Tensor]) -> None:
    """Put weights into the model."""
    for name, parameter in run.parameters.items():
        parameter.copy_(weights[name])


def trained(run: Run) -> dict[str, Tensor]:
    """A copy of the weights as they are now."""
    return {name: p.detach().clone() for name, p in run.parameters.items()}


def keep_if_as_good(run: Run, weights: Mapping[str, Tensor], score: Callable[[], Any]) -> None:
    """Put `weights` into the model, unless fewer development questions are then answered exactly than before."""
    before, mark = trained(run), score().exact
    put(run, weights)
    if score().exact < mark:
        put(run, before)
