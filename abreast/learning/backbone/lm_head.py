"""The head of a causal language model: predicts the next token."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from abreast.learning.backbone.candidate_softmax import CandidateSoftmax
from abreast.learning.backbone.divergence import divergence
from abreast.learning.backbone.protocols import Backbone, TopKLogits


class LMHead:
    """A softmax over `linear`, the model's own output layer, which stays frozen; targets are token ids [n]."""

    parameters: Mapping[str, torch.nn.Parameter] = {}

    def __init__(self, linear: Any):
        self._linear = linear

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        return self.score(hidden, targets)[1]

    def score(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        logits = self._linear(hidden)
        return logits.argmax(-1) == targets, cross_entropy(logits.float(), targets, reduction="none")

    def is_confident(self, losses: Tensor, targets: Tensor, probability: float) -> Tensor:
        return losses < -math.log(probability)

    def sample(self, hidden: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
        probabilities = self._linear(hidden).float().softmax(-1).cpu()
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0].to(hidden.device)

    def top_k_logits(self, hidden: Tensor, targets: Tensor, top_k: int) -> TopKLogits:
        logits = self._linear(hidden).float()
        best = logits.topk(min(top_k, logits.shape[-1]))
        return best.values, best.indices

    def matches(self, teacher: TopKLogits, targets: Tensor) -> Tensor:
        return teacher[1][:, 0] == targets

    def divergence(self, hidden: Tensor, targets: Tensor, teacher: TopKLogits, temperature: float = 1.0) -> Tensor:
        logits, tokens = teacher
        student = torch.einsum("nw,nkw->nk", hidden, self._linear.weight[tokens])
        if getattr(self._linear, "bias", None) is not None:
            student = student + self._linear.bias[tokens]
        return divergence(student.float(), logits, temperature)

    def restrict_to(self, backbone: Backbone, texts: Sequence[Any]) -> CandidateSoftmax:
        return CandidateSoftmax(backbone, texts)
