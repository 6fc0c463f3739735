"""Elastic weight consolidation: keeps weights near the start, the more earlier examples depend on them.

Kirkpatrick et al. 2017 (arXiv:1612.00796), online, with one decayed Fisher diagonal for all earlier updates (Schwarz et
al. 2018, arXiv:1805.06370). The Fisher information is the true one, not the empirical one: tokens are sampled from the
model itself (Kunstner et al. 2019, arXiv:1905.12558), as the gradients of learned examples vanish. The anchor point is
the start of a training, which is the end of the parent's, so it is not stored. List merging methods before this one.
"""

import torch
from pydantic import Field
from torch import Tensor

from abreast.learning.methods import protocol
from abreast.learning.methods.pad_rows import pad_rows

PREFIX = "ewc/"


def fisher_diagonal(run: protocol.TrainingRun, examples: int, seed: int) -> dict[str, Tensor]:
    """The Fisher diagonal of one target: the mean over the tokens of up to `examples` evenly spread examples."""
    texts = list(run.examples)[:: -(-len(run.examples) // examples)]
    generator = torch.Generator().manual_seed(seed)
    sums, tokens = {name: torch.zeros_like(p) for name, p in run.parameters.items()}, 0
    for text in texts:
        hidden, targets, _ = run.backbone.completion_states([text])
        sampled = run.backbone.head.sample(hidden.detach(), targets, generator)
        loss, tokens = run.backbone.head.score(hidden, sampled)[1].sum(), tokens + len(sampled)
        gradients = torch.autograd.grad(loss, list(run.parameters.values()), materialize_grads=True)
        for total, gradient in zip(sums.values(), gradients, strict=True):
            total += gradient.square()
    return {name: total / tokens for name, total in sums.items()}


class EWC:
    """Half the squared distance to the start, each weight by its Fisher value, times `weight`."""

    class Knobs(protocol.Knobs):
        weight: float = Field(100.0, ge=0)
        decay: float = Field(0.9, ge=0, le=1)
        examples: int = Field(64, gt=0)
        seed: int = 0

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def on_train_begin(self, run: protocol.TrainingRun) -> None:
        inherited = {name: run.inherited_state.get(PREFIX + name) for name in run.parameters}
        self._fisher = {name: pad_rows(f, run.start[name]) for name, f in inherited.items() if f is not None}

    def extra_loss(self, run: protocol.TrainingRun, step: protocol.TrainingStep) -> Tensor:
        terms = [(f * (run.parameters[name] - run.start[name]).square()).sum() for name, f in self._fisher.items()]
        return self._knobs.weight / 2 * sum(terms, step.losses.new_zeros(()))

    def on_train_end(self, run: protocol.TrainingRun, score: object) -> None:
        run.carried_state |= {PREFIX + name: f for name, f in self._fisher.items()}
        if run.examples:
            for name, new in fisher_diagonal(run, self._knobs.examples, self._knobs.seed).items():
                decayed = self._knobs.decay * self._fisher.get(name, torch.zeros_like(new))
                run.carried_state[PREFIX + name] = new + decayed
