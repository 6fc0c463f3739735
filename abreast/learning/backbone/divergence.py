"""How far what a model says lies from what a teacher said that was heard once and need not be kept in memory."""

from collections.abc import Sequence

import torch
from torch import Tensor

from abreast.learning.backbone.protocols import Scores, Text, Trunk

BATCH = 16


def divergence(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher, student) of logits [n, k] at each of n positions, times T squared, so that gradients keep their size.

    Kullback and Leibler 1951; the temperature as in Hinton et al. 2015 (arXiv:1503.02531).
    """
    wanted, said = ((logits / temperature).log_softmax(-1) for logits in (teacher, student))
    return temperature**2 * (wanted.exp() * (wanted - said)).sum(-1)


class Heard:
    """What a model says at the targets of `texts` now: at each position the logits of its `top` likeliest tokens.

    That is 12 bytes a token, where the whole vocabulary of a small model takes 200 kB a position; divergences are over
    these tokens alone.
    """

    @torch.no_grad()
    def __init__(self, trunk: Trunk, texts: Sequence[Text], top: int):
        self._of: dict[Text, Scores] = {}
        self._right: dict[Text, bool] = {}
        unique = sorted(set(texts), key=lambda text: (len(text.ids), text.ids))
        for batch in (unique[start : start + BATCH] for start in range(0, len(unique), BATCH)):
            hidden, targets, owner = trunk.completions(batch)
            scores, names = trunk.head.hear(hidden, targets, top)
            right = trunk.head.agrees((scores, names), targets)
            for place, text in enumerate(batch):
                self._of[text] = scores[owner == place], names[owner == place]
                self._right[text] = bool(right[owner == place].all())

    def of(self, texts: Sequence[Text]) -> Scores:
        """Scores and what they are of [N, top] at the targets of `texts`, in their order."""
        scores, names = zip(*(self._of[text] for text in texts), strict=True)
        return torch.cat(scores), torch.cat(names)

    def right(self, text: Text) -> bool:
        """Whether all targets of a text were what was said."""
        return self._right[text]
