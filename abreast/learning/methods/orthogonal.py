"""Orthogonal updates: what LoRA's A learns to read stays off what earlier updates read.

O-LoRA (Wang et al. 2023, arXiv:2310.14152) gives each task a LoRA of its own and penalises the overlap of its A with
the A of earlier ones. Here one adapter is continued, so the part of each update is what it adds to A: the rows of
A - A_start, and A itself in a first training. The subspace of earlier updates is kept as directions, each with its
strength; its size is bounded (the strongest `keep`, at most half the width), so that an update costs the same however
many came before. What an update changes in B under rows that A already had is not held: the price of one adapter.
"""

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize

from abreast.learning.methods import protocol

PREFIX = "orthogonal/"


def strongest(rows: Tensor, keep: int) -> Tensor:
    """Orthogonal rows [at most keep, width], as long as their singular values, that span what `rows` mostly do."""
    _, sizes, directions = torch.linalg.svd(rows.float(), full_matrices=False)
    count = min(keep, rows.shape[1] // 2, int((sizes > 1e-5 * sizes[0]).sum()))
    return sizes[:count, None] * directions[:count]


def overlap(rows: Tensor, directions: Tensor) -> Tensor:
    """The squared inner products of all rows [r, width] with all directions [m, width], the latter of length one."""
    return (rows @ normalize(directions, dim=1).T).square().sum()


class Orthogonal:
    """The overlap of this update with the earlier ones, summed over layers, times `weight`."""

    class Knobs(protocol.Knobs):
        weight: float = Field(0.5, ge=0)
        keep: int = Field(64, gt=0)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def begin(self, run: protocol.Run) -> None:
        """A parent that was trained without this method left no directions: then those of its A are taken."""
        own = {name: start for name, start in run.start.items() if "lora_A" in name} if run.parent else {}
        kept = {name: run.memory.get(PREFIX + name, start) for name, start in own.items()}
        self._earlier = {name: strongest(rows, self._knobs.keep).to(own[name].device) for name, rows in kept.items()}

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        moved = [(run.parameters[name] - run.start[name], earlier) for name, earlier in self._earlier.items()]
        return self._knobs.weight * sum((overlap(*pair) for pair in moved), step.losses.new_zeros(()))

    def end(self, run: protocol.Run, score: object) -> None:
        for name, weight in ((name, p.detach()) for name, p in run.parameters.items() if "lora_A" in name):
            rows = torch.cat([self._earlier[name], weight - run.start[name]]) if run.parent else weight
            run.legacy[PREFIX + name] = strongest(rows, self._knobs.keep)
