"""The development set: what is asked after each epoch, of what is new and of what was known before."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from abreast.learning.backbone.cached_backbone import means_by_text
from abreast.learning.backbone.divergence import Heard
from abreast.learning.backbone.protocols import Text, Trunk

BATCH = 32
TOP = 64


@dataclass(frozen=True)
class Score:
    """Teacher-forced: the share answered exactly (the most likely token is right all along), and the mean loss."""

    exact: float
    loss: float


@dataclass(frozen=True)
class Check:
    """What one check found, on both sides together and on each; None where a side asks nothing.

    `kl` is the mean divergence, in nats a token, from the parent at the answers to what was known before.
    """

    both: Score
    new: float | None
    old: float | None
    kl: float | None


class Development:
    """Asks `new`, what this update teaches, and `old`, what its parent knew."""

    def __init__(self, trunk: Trunk, new: Sequence[Text], old: Sequence[Text]):
        self._trunk, self._new, self.texts = trunk, len(new), (*new, *old)
        self.parent: float | None = None
        """The share of `old` that the parent answers exactly."""

    def __len__(self) -> int:
        return len(self.texts)

    def begin(self) -> None:
        """Hear the parent, whose weights the model still has."""
        if old := self.texts[self._new :]:
            self._parent = Heard(self._trunk, old, TOP)
            self.parent = sum(map(self._parent.right, old)) / len(old)

    def check(self) -> Check:
        """Ask everything; an empty development set scores 0."""
        return self._check() if self.texts else Check(Score(0.0, 0.0), None, None, None)

    @torch.no_grad()
    def _check(self) -> Check:
        exact, loss, kl = torch.zeros(3, len(self.texts), dtype=torch.float64)
        order = sorted(range(len(self.texts)), key=lambda text: len(self.texts[text].ids))
        for start in range(0, len(order), BATCH):
            numbers = order[start : start + BATCH]
            hidden, targets, owner = self._trunk.completions([self.texts[number] for number in numbers])
            hits, each = self._trunk.head.ask(hidden, targets)
            wrong = means_by_text((~hits).float(), owner, len(numbers))
            exact[numbers] = (wrong == 0).double().cpu()
            loss[numbers] = means_by_text(each, owner, len(numbers)).double().cpu()
            kl[numbers] = self._moved(numbers, hidden, targets, owner)
        new, old = slice(self._new), slice(self._new, None)
        means = [_share(exact[new]), _share(exact[old]), _share(kl[old])]
        return Check(Score(exact.mean().item(), loss.mean().item()), *means)

    def _moved(self, numbers: Sequence[int], hidden: Tensor, targets: Tensor, owner: Tensor) -> Tensor:
        """For each text of a batch the mean divergence from the parent; 0 for what is new."""
        moved = torch.zeros(len(numbers), dtype=torch.float64)
        for place, number in enumerate(numbers):
            if number >= self._new:
                own, heard = owner == place, self._parent.of([self.texts[number]])
                moved[place] = self._trunk.head.divergence(hidden[own], targets[own], heard).mean()
        return moved


def _share(values: Tensor) -> float | None:
    return values.mean().item() if len(values) else None
