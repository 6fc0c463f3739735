"""The head of a causal language model: each token of its vocabulary is something that it may say next."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from abreast.learning.backbone.candidate_softmax import Shortlist
from abreast.learning.backbone.divergence import divergence
from abreast.learning.backbone.protocols import Scores


class Vocabulary:
    """A softmax over the rows of `linear`, the model's own and frozen; targets are token ids [n]."""

    parameters: Mapping[str, torch.nn.Parameter] = {}

    def __init__(self, linear: Any):
        self._linear = linear

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        return self.ask(hidden, targets)[1]

    def ask(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logits = self._linear(hidden)
        return logits.argmax(-1) == targets, cross_entropy(logits.float(), targets, reduction="none")

    def sure(self, losses: Tensor, targets: Tensor, share: float) -> Tensor:
        return losses < -math.log(share)

    def draw(self, hidden: Tensor, targets: Tensor, chance: torch.Generator) -> Tensor:
        likely = self._linear(hidden).float().softmax(-1).cpu()
        return torch.multinomial(likely, 1, generator=chance)[:, 0].to(hidden.device)

    def hear(self, hidden: Tensor, targets: Tensor, top: int) -> Scores:
        logits = self._linear(hidden).float()
        best = logits.topk(min(top, logits.shape[-1]))
        return best.values, best.indices

    def agrees(self, heard: Scores, targets: Tensor) -> Tensor:
        return heard[1][:, 0] == targets

    def divergence(self, hidden: Tensor, targets: Tensor, heard: Scores, temperature: float = 1.0) -> Tensor:
        teacher, tokens = heard
        student = torch.einsum("nw,nkw->nk", hidden, self._linear.weight[tokens])
        if getattr(self._linear, "bias", None) is not None:
            student = student + self._linear.bias[tokens]
        return divergence(student.float(), teacher, temperature)

    def narrowed(self, trunk: Any, texts: Sequence[Any]) -> Shortlist:
        return Shortlist(trunk, texts)
