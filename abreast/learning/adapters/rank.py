"""What AdaLoRA does beside the lessons: it holds its matrices orthogonal, and takes singular values away."""

from typing import Any

import torch
from torch import Tensor

from abreast.learning.adapters.adalora import WHOLE
from abreast.learning.methods import protocol

PREFIX = "adalora/"
ADAPTER = "lora_"
KEPT = ("exp_avg_ipt", "exp_avg_unc")
"""What PEFT's allocator remembers from step to step: how much each weight matters, and how sure that is."""


def spread(matrix: Tensor) -> Tensor:
    """How far the rows [r, width] are from orthonormal: the Frobenius norm of P P' - 1."""
    return torch.linalg.matrix_norm(matrix @ matrix.T - torch.eye(len(matrix), device=matrix.device))


def _own(run: protocol.Run) -> dict[str, torch.nn.Parameter]:
    """The parameters of the adapter; a head may learn beside it."""
    return {name: p for name, p in run.parameters.items() if ADAPTER in name}


class Allocate:
    """A penalty, mean `spread` of all A and B, times `weight`; and after each step PEFT's RankAllocator.

    Args:
        allocator: PEFT's.
        model: the model that it was made for.
    """

    def __init__(self, allocator: Any, model: Any, weight: float):
        self._allocator, self._model, self._weight = allocator, model, weight

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        matrices = {name: p for name, p in _own(run).items() if "lora_E" not in name}
        sides = [p if "lora_A" in name else p.T for name, p in matrices.items()]
        return self._weight * sum(map(spread, sides), step.losses.new_zeros(())) / len(sides)

    def follow(self, run: protocol.Run) -> None:
        if run.steps:
            for kept in KEPT:
                setattr(self._allocator, kept, {name: run.state[f"{PREFIX}{kept}/{name}"] for name in _own(run)})
            self._allocator.ipt = dict.fromkeys(_own(run))
        self._allocator.update_and_allocate(self._model, round(WHOLE * run.share))
        for kept in KEPT:
            run.state |= {f"{PREFIX}{kept}/{name}": value for name, value in getattr(self._allocator, kept).items()}
