"""What an encoder says after hidden states: a label, a tag, a number, or a masked word.

A label or tag is chosen by a softmax over the rows of its head. A number is one linear output in standard deviations
from the mean, learned by squared error, which is the negative log-likelihood of a normal distribution of variance 1/2:
as such it is drawn from and compared. Words are those of the base's own masked language model, which stays frozen.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from abreast.learning.backbone.divergence import divergence
from abreast.learning.backbone.protocols import Scores

KINDS = ("text", "classification", "tagging", "regression")
PREFIX = "heads."
NEAR = 0.1
"""A number counts as right while training if it is off by at most so many standard deviations."""
MASKED = -1e4
"""The score of what cannot be said: its probability is zero in float32, and products with it are finite."""


def rows_for(
    counts: Mapping[str, int], width: int, before: Mapping[str, Tensor], device: Any = "cpu"
) -> dict[str, torch.nn.Parameter]:
    """Rows for so many labels of each kind: those that there were, bit for bit, and zeros behind them."""
    rows = {}
    for kind, count in counts.items():
        for name, shape in ((f"{kind}.weight", (count, width)), (f"{kind}.bias", (count,))):
            rows[name] = torch.zeros(shape, device=device)
            if name in before:
                rows[name][: len(before[name])] = before[name]
    return {name: torch.nn.Parameter(values) for name, values in rows.items()}


class LabelHead:
    """Targets are [n, 2]: which of `KINDS`, and the number of the row or word, or the number itself.

    Args:
        rows: by name, as in `abreast.learning.encoder.folder`.
        known: how many of the rows of each kind the parent had; only those can be heard of it.
        words: gives the logits of the base's masked language model after hidden states [n, width], if it has one.
    """

    def __init__(
        self,
        rows: Mapping[str, Tensor],
        known: Mapping[str, int] | None = None,
        words: Callable[[Tensor], Tensor] | None = None,
    ):
        self.rows, self._known, self.words = rows, known or {}, words

    @property
    def parameters(self) -> dict[str, torch.nn.Parameter]:
        return {PREFIX + name: rows for name, rows in self.rows.items() if isinstance(rows, torch.nn.Parameter)}

    def scores(self, kind: str, hidden: Tensor) -> Tensor:
        """Logits [n, rows] of labels, tags or words, or the standardised number [n, 1]."""
        if kind == "text":
            return self.words(hidden).float()
        return linear(hidden.float(), self.rows[f"{kind}.weight"], self.rows[f"{kind}.bias"])

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        return self.ask(hidden, targets)[1]

    def ask(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        hits = torch.zeros(len(targets), dtype=torch.bool, device=hidden.device)
        losses = torch.zeros(len(targets), device=hidden.device)
        for kind, at, wanted in _parts(targets):
            scores = self.scores(kind, hidden[at])
            if kind == "regression":
                missed = (scores[:, 0] - wanted).square()
                hits[at] = missed <= NEAR**2
            else:
                missed = cross_entropy(scores, wanted.long(), reduction="none")
                hits[at] = scores.argmax(-1) == wanted.long()
            losses = losses.index_put((at,), missed)
        return hits, losses

    def sure(self, losses: Tensor, targets: Tensor, share: float) -> Tensor:
        """A number is sure if it is off by less than the share that is left over, in standard deviations."""
        number = targets[:, 0] == KINDS.index("regression")
        return losses < torch.where(number, (1.0 - share) ** 2, -math.log(share))

    def draw(self, hidden: Tensor, targets: Tensor, chance: torch.Generator) -> Tensor:
        drawn = targets.clone()
        for kind, at, _ in _parts(targets):
            scores = self.scores(kind, hidden[at]).cpu()
            if kind == "regression":
                said = scores[:, 0] + math.sqrt(0.5) * torch.randn(len(at), generator=chance)
            else:
                said = torch.multinomial(scores.softmax(-1), 1, generator=chance)[:, 0]
            drawn[at, 1] = said.to(drawn)
        return drawn

    def hear(self, hidden: Tensor, targets: Tensor, top: int) -> Scores:
        scores = torch.full((len(targets), top), MASKED, device=hidden.device)
        names = torch.zeros(len(targets), top, dtype=torch.long, device=hidden.device)
        for kind, at, _ in _parts(targets):
            said = self.scores(kind, hidden[at])
            said = said if kind == "text" else said[:, : self._known.get(kind, 0)]
            if count := min(top, said.shape[1]):
                best = said.topk(count)
                scores[at, :count], names[at, :count] = best.values, best.indices
        return scores, names

    def agrees(self, heard: Scores, targets: Tensor) -> Tensor:
        scores, names = heard
        number = targets[:, 0] == KINDS.index("regression")
        near = (scores[:, 0] - targets[:, 1]).abs() <= NEAR
        same = (names[:, 0] == targets[:, 1].long()) & (scores[:, 0] > MASKED)
        return torch.where(number, near, same)

    def divergence(self, hidden: Tensor, targets: Tensor, heard: Scores, temperature: float = 1.0) -> Tensor:
        """Of a number the squared distance, which for two normal distributions of variance 1/2 is the divergence."""
        found = torch.zeros(len(targets), device=hidden.device)
        for kind, at, _ in _parts(targets):
            teacher, names = heard[0][at], heard[1][at]
            unheard = teacher <= MASKED
            student = self.scores(kind, hidden[at]).gather(1, names).masked_fill(unheard, MASKED)
            if kind == "regression":
                apart = (student[:, 0] - teacher[:, 0]).square()
            else:
                apart = divergence(student, teacher, temperature)
            found = found.index_put((at,), apart)
        return found

    def narrowed(self, trunk: Any, texts: Sequence[Any]) -> "LabelHead":
        return self


def _parts(targets: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each kind that occurs, its places [m] and what is wanted there [m]."""
    for number, kind in enumerate(KINDS):
        at = (targets[:, 0] == number).nonzero()[:, 0]
        if len(at):
            yield kind, at, targets[at, 1]
