"""Orthogonal updates: keeps what LoRA's A learns to read orthogonal to what earlier updates read.

O-LoRA (Wang et al. 2023, arXiv:2310.14152) gives each task its own LoRA and penalises the overlap of its A with the A
of earlier tasks. Here one adapter is continued, so the part of an update is what it adds to A: the rows of
A - A_start, and A itself in a first training. The subspace of earlier updates is kept as directions, each with its
strength, and its size is bounded (the strongest `keep`, at most half the width), so that the cost of an update does not
grow with their number. Changes of B under the rows that A already had are not penalised: the price of one adapter.
"""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize

from abreast.learning.methods import protocol

PREFIX = "orthogonal/"


def strongest(rows: Tensor, keep: int) -> Tensor:
    """Orthogonal rows [at most keep, width] that span most of `rows`; their norms are the singular values."""
    _, sizes, directions = torch.linalg.svd(rows.float(), full_matrices=False)
    count = min(keep, rows.shape[1] // 2, int((sizes > 1e-5 * sizes[0]).sum()))
    return sizes[:count, None] * directions[:count]


def overlap(rows: Tensor, directions: Tensor) -> Tensor:
    """The sum of the squared inner products of rows [r, width] with directions [m, width], scaled to norm one."""
    return (rows @ normalize(directions, dim=1).T).square().sum()


class Orthogonal:
    """The overlap of this update with the earlier ones, summed over layers, times `weight`."""

    class Knobs(protocol.Knobs):
        weight: float = Field(0.5, ge=0)
        keep: int = Field(64, gt=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def on_train_begin(self, run: protocol.TrainingRun) -> None:
        """Read the parent's directions; if it was trained without this method, take those of its A."""
        own = {name: start for name, start in run.start.items() if "lora_A" in name} if run.has_parent else {}
        rows = {name: run.inherited_state.get(PREFIX + name, start) for name, start in own.items()}
        self._earlier = {name: strongest(r, self._knobs.keep).to(own[name].device) for name, r in rows.items()}

    def extra_loss(self, run: protocol.TrainingRun, step: protocol.TrainingStep) -> Tensor:
        pairs = [(run.parameters[name] - run.start[name], earlier) for name, earlier in self._earlier.items()]
        return self._knobs.weight * sum((overlap(*pair) for pair in pairs), step.losses.new_zeros(()))

    def on_train_end(self, run: protocol.TrainingRun, score: object) -> None:
        for name, weight in ((name, p.detach()) for name, p in run.parameters.items() if "lora_A" in name):
            rows = torch.cat([self._earlier[name], weight - run.start[name]]) if run.has_parent else weight
            run.carried_state[PREFIX + name] = strongest(rows, self._knobs.keep)
