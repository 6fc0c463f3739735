"""The training method of AdaLoRA: keeps its matrices orthogonal, and removes singular values."""

from typing import Any

import torch
from torch import Tensor

from abreast.learning.methods import protocol

PREFIX = "adalora/"
ADAPTER_PARAMETER = "lora_"
ALLOCATOR_STATE = ("exp_avg_ipt", "exp_avg_unc")
"""What PEFT's allocator keeps from step to step: the importance of each weight, and its uncertainty."""


def orthogonality_error(matrix: Tensor) -> Tensor:
    """How far the rows [r, width] are from orthonormal: the Frobenius norm of P P' - 1."""
    return torch.linalg.matrix_norm(matrix @ matrix.T - torch.eye(len(matrix), device=matrix.device))


def _adapter_parameters(run: protocol.TrainingRun) -> dict[str, torch.nn.Parameter]:
    """The parameters of the adapter, without those of a head."""
    return {name: p for name, p in run.parameters.items() if ADAPTER_PARAMETER in name}


class RankAllocation:
    """Adds the mean `orthogonality_error` of all A and B, times `weight`; runs PEFT's RankAllocator after each step.

    Args:
        allocator: PEFT's.
        model: the model that it was made for.
        total_steps: the allocator's number of steps in a whole training.
    """

    def __init__(self, allocator: Any, model: Any, weight: float, total_steps: int):
        self._allocator, self._model, self._weight, self._total_steps = allocator, model, weight, total_steps

    def extra_loss(self, run: protocol.TrainingRun, step: protocol.TrainingStep) -> Tensor:
        matrices = {name: p for name, p in _adapter_parameters(run).items() if "lora_E" not in name}
        sides = [p if "lora_A" in name else p.T for name, p in matrices.items()]
        return self._weight * sum(map(orthogonality_error, sides), step.losses.new_zeros(())) / len(sides)

    def on_step_end(self, run: protocol.TrainingRun) -> None:
        names = _adapter_parameters(run)
        if run.steps:
            for part in ALLOCATOR_STATE:
                setattr(self._allocator, part, {name: run.state[f"{PREFIX}{part}/{name}"] for name in names})
            self._allocator.ipt = dict.fromkeys(names)
        self._allocator.update_and_allocate(self._model, round(self._total_steps * run.share))
        for part in ALLOCATOR_STATE:
            run.state |= {f"{PREFIX}{part}/{name}": value for name, value in getattr(self._allocator, part).items()}
