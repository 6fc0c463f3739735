"""Elastic weight consolidation: what earlier lessons depend on is held, the more the more they depend on it.

Kirkpatrick et al. 2017 (arXiv:1612.00796), online with one decayed Fisher diagonal for all earlier updates (Schwarz et
al. 2018, arXiv:1805.06370). The Fisher is the true one, not the empirical: tokens are sampled from the model itself
(Kunstner et al. 2019, arXiv:1905.12558), as the gradients of lessons that are learned vanish. The anchor point is where
a training starts, which is where the parent's ended, so it need not be kept. List what merges before this method.
"""

import torch
from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol
from abreast.learning.methods.grown import grown

PREFIX = "ewc/"


def fisher_diagonal(run: protocol.Run, lessons: int, seed: int) -> dict[str, Tensor]:
    """The Fisher diagonal of one target, mean over the tokens of up to `lessons` examples spread over all of them."""
    texts = list(run.examples)[:: -(-len(run.examples) // lessons)]
    chance = torch.Generator().manual_seed(seed)
    sums, tokens = {name: torch.zeros_like(p) for name, p in run.parameters.items()}, 0
    for text in texts:
        hidden, targets, _ = run.trunk.completions([text])
        said = run.trunk.head.draw(hidden.detach(), targets, chance)
        loss, tokens = run.trunk.head.ask(hidden, said)[1].sum(), tokens + len(said)
        slopes = torch.autograd.grad(loss, list(run.parameters.values()), materialize_grads=True)
        for total, slope in zip(sums.values(), slopes, strict=True):
            total += slope.square()
    return {name: total / tokens for name, total in sums.items()}


class EWC:
    """Half the squared distance to the start, each weight by its Fisher value, times `weight`."""

    class Knobs(protocol.Knobs):
        weight: float = Field(100.0, ge=0)
        decay: float = Field(0.9, ge=0, le=1)
        lessons: int = Field(64, gt=0)
        seed: int = 0

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def begin(self, run: protocol.Run) -> None:
        kept = {name: run.memory.get(PREFIX + name) for name in run.parameters}
        self._fisher = {name: grown(f, run.start[name]) for name, f in kept.items() if f is not None}

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        held = [(f * (run.parameters[name] - run.start[name]).square()).sum() for name, f in self._fisher.items()]
        return self._knobs.weight / 2 * sum(held, step.losses.new_zeros(()))

    def end(self, run: protocol.Run, score: object) -> None:
        run.legacy |= {PREFIX + name: f for name, f in self._fisher.items()}
        if run.examples:
            for name, new in fisher_diagonal(run, self._knobs.lessons, self._knobs.seed).items():
                run.legacy[PREFIX + name] = new + self._knobs.decay * self._fisher.get(name, torch.zeros_like(new))
