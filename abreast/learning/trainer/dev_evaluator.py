"""Evaluates the development set after each epoch: new knowledge, and what the parent knew."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from abreast.learning.backbone.mean_per_text import mean_per_text
from abreast.learning.backbone.protocols import Backbone, TokenizedText
from abreast.learning.backbone.teacher_logits import TeacherLogits

BATCH = 32
TOP_K = 64


@dataclass(frozen=True)
class DevScore:
    """Teacher-forced: the share of exact answers (every token is the most likely one), and the mean loss."""

    exact: float
    loss: float


@dataclass(frozen=True)
class DevMetrics:
    """The result of one evaluation: the score of all questions, and the exact shares of new and of old ones.

    A share is None where there are no such questions. `kl` is the mean divergence from the parent, in nats a token, at
    the answers to old questions.
    """

    both: DevScore
    new: float | None
    old: float | None
    kl: float | None


class DevEvaluator:
    """Evaluates `new`, what this update teaches, and `old`, what its parent knew.

    Attributes:
        parent_exact: the share of `old` that the parent answers exactly.
    """

    def __init__(self, backbone: Backbone, new: Sequence[TokenizedText], old: Sequence[TokenizedText]):
        self._backbone, self._new, self.texts = backbone, len(new), (*new, *old)
        self.parent_exact: float | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def record_parent(self) -> None:
        """Record the parent's predictions, while the model still has the parent's weights."""
        if old := self.texts[self._new :]:
            self._parent = TeacherLogits(self._backbone, old, TOP_K)
            self.parent_exact = sum(map(self._parent.is_exact, old)) / len(old)

    def evaluate(self) -> DevMetrics:
        """Evaluate all questions; an empty development set scores 0."""
        return self._evaluate() if self.texts else DevMetrics(DevScore(0.0, 0.0), None, None, None)

    @torch.no_grad()
    def _evaluate(self) -> DevMetrics:
        exact, loss, kl = torch.zeros(3, len(self.texts), dtype=torch.float64)
        order = sorted(range(len(self.texts)), key=lambda text: len(self.texts[text].ids))
        for start in range(0, len(order), BATCH):
            numbers = order[start : start + BATCH]
            hidden, targets, owner = self._backbone.completion_states([self.texts[number] for number in numbers])
            hits, losses = self._backbone.head.score(hidden, targets)
            wrong = mean_per_text((~hits).float(), owner, len(numbers))
            exact[numbers] = (wrong == 0).double().cpu()
            loss[numbers] = mean_per_text(losses, owner, len(numbers)).double().cpu()
            kl[numbers] = self._divergence(numbers, hidden, targets, owner)
        new, old = slice(self._new), slice(self._new, None)
        means = [_mean(exact[new]), _mean(exact[old]), _mean(kl[old])]
        return DevMetrics(DevScore(exact.mean().item(), loss.mean().item()), *means)

    def _divergence(self, numbers: Sequence[int], hidden: Tensor, targets: Tensor, owner: Tensor) -> Tensor:
        """The mean divergence from the parent for each text of a batch; 0 for new ones."""
        found = torch.zeros(len(numbers), dtype=torch.float64)
        for row, number in enumerate(numbers):
            if number >= self._new:
                own, teacher = owner == row, self._parent.logits_of([self.texts[number]])
                found[row] = self._backbone.head.divergence(hidden[own], targets[own], teacher).mean()
        return found


def _mean(values: Tensor) -> float | None:
    return values.mean().item() if len(values) else None
