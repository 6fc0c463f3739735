"""How far a model's next tokens lie from those of a teacher that was heard once and need not be kept in memory."""

from collections.abc import Sequence

import torch
from torch import Tensor

from abreast.learning.lower import Trunk
from abreast.learning.prompt import Encoded

BATCH = 16


def divergence(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher, student) of logits [n, k] at each of n positions, times T squared, so that gradients keep their size.

    Kullback and Leibler 1951; the temperature as in Hinton et al. 2015 (arXiv:1503.02531).
    """
    wanted, said = ((logits / temperature).log_softmax(-1) for logits in (teacher, student))
    return temperature**2 * (wanted.exp() * (wanted - said)).sum(-1)


class Heard:
    """What a model says at the completions of `texts` now: at each position the logits of its `top` likeliest tokens.

    That is 12 bytes a token, where the whole vocabulary of a small model takes 200 kB a position; divergences are over
    these tokens alone.
    """

    @torch.no_grad()
    def __init__(self, trunk: Trunk, texts: Sequence[Encoded], top: int):
        self._of: dict[Encoded, tuple[Tensor, Tensor]] = {}
        unique = sorted(set(texts), key=lambda text: (len(text.ids), text.ids))
        for batch in (unique[start : start + BATCH] for start in range(0, len(unique), BATCH)):
            logits, _, owner = trunk.logits(batch)
            best = logits.float().topk(min(top, logits.shape[-1]))
            for place, text in enumerate(batch):
                self._of[text] = best.values[owner == place], best.indices[owner == place]

    def of(self, texts: Sequence[Encoded]) -> tuple[Tensor, Tensor]:
        """Logits and tokens [N, top] at the completions of `texts`, in their order."""
        logits, tokens = zip(*(self._of[text] for text in texts), strict=True)
        return torch.cat(logits), torch.cat(tokens)
