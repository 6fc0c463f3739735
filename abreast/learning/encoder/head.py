"""The head of an encoder: predicts a label, a tag, a number or a masked token from hidden states.

A label or tag is chosen by a softmax over the rows of its head. A number is one linear output in standard deviations
from the mean, learned by squared error: the negative log-likelihood of a normal distribution of variance 1/2, which is
also used for sampling and divergence. Tokens come from the base's own masked language model head, which stays frozen.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from abreast.learning.backbone.divergence import divergence
from abreast.learning.backbone.protocols import Backbone, TopKLogits

KINDS = ("text", "classification", "tagging", "regression")
PREFIX = "heads."
NUMBER_TOLERANCE = 0.1
"""While training, a number counts as right if it is off by at most so many standard deviations."""
IMPOSSIBLE = -1e4
"""The logit of what cannot be predicted: its probability is zero in float32, and products with it are finite."""


def extend_rows(
    counts: Mapping[str, int], width: int, before: Mapping[str, Tensor], device: Any = "cpu"
) -> dict[str, torch.nn.Parameter]:
    """Rows for so many labels of each kind: a bit-for-bit copy of the earlier rows, then zeros."""
    rows = {}
    for kind, count in counts.items():
        for name, shape in ((f"{kind}.weight", (count, width)), (f"{kind}.bias", (count,))):
            rows[name] = torch.zeros(shape, device=device)
            if name in before:
                rows[name][: len(before[name])] = before[name]
    return {name: torch.nn.Parameter(values) for name, values in rows.items()}


class LabelHead:
    """Targets are [n, 2]: the number of the kind in `KINDS`, then the number of the row or token, or the number itself.

    Args:
        rows: by name, as in `abreast.learning.encoder.saved_heads`.
        parent_rows: how many rows of each kind the parent had; only these count when it is the teacher.
        masked_lm: the logits of the base's masked language model from hidden states [n, width], if it has one.
    """

    def __init__(
        self,
        rows: Mapping[str, Tensor],
        parent_rows: Mapping[str, int] | None = None,
        masked_lm: Callable[[Tensor], Tensor] | None = None,
    ):
        self.rows, self._parent_rows, self.masked_lm = rows, parent_rows or {}, masked_lm

    @property
    def parameters(self) -> dict[str, torch.nn.Parameter]:
        return {PREFIX + name: rows for name, rows in self.rows.items() if isinstance(rows, torch.nn.Parameter)}

    def logits(self, kind: str, hidden: Tensor) -> Tensor:
        """Logits [n, rows] of labels, tags or tokens, or the standardised number [n, 1]."""
        if kind == "text":
            return self.masked_lm(hidden).float()
        return linear(hidden.float(), self.rows[f"{kind}.weight"], self.rows[f"{kind}.bias"])

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        return self.score(hidden, targets)[1]

    def score(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        hits = torch.zeros(len(targets), dtype=torch.bool, device=hidden.device)
        losses = torch.zeros(len(targets), device=hidden.device)
        for kind, at, wanted in _by_kind(targets):
            logits = self.logits(kind, hidden[at])
            if kind == "regression":
                loss = (logits[:, 0] - wanted).square()
                hits[at] = loss <= NUMBER_TOLERANCE**2
            else:
                loss = cross_entropy(logits, wanted.long(), reduction="none")
                hits[at] = logits.argmax(-1) == wanted.long()
            losses = losses.index_put((at,), loss)
        return hits, losses

    def is_confident(self, losses: Tensor, targets: Tensor, probability: float) -> Tensor:
        """A number is confident if it is off by less than 1 - `probability`, in standard deviations."""
        number = targets[:, 0] == KINDS.index("regression")
        return losses < torch.where(number, (1.0 - probability) ** 2, -math.log(probability))

    def sample(self, hidden: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
        samples = targets.clone()
        for kind, at, _ in _by_kind(targets):
            logits = self.logits(kind, hidden[at]).cpu()
            if kind == "regression":
                drawn = logits[:, 0] + math.sqrt(0.5) * torch.randn(len(at), generator=generator)
            else:
                drawn = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
            samples[at, 1] = drawn.to(samples)
        return samples

    def top_k_logits(self, hidden: Tensor, targets: Tensor, top_k: int) -> TopKLogits:
        scores = torch.full((len(targets), top_k), IMPOSSIBLE, device=hidden.device)
        classes = torch.zeros(len(targets), top_k, dtype=torch.long, device=hidden.device)
        for kind, at, _ in _by_kind(targets):
            logits = self.logits(kind, hidden[at])
            logits = logits if kind == "text" else logits[:, : self._parent_rows.get(kind, 0)]
            if count := min(top_k, logits.shape[1]):
                best = logits.topk(count)
                scores[at, :count], classes[at, :count] = best.values, best.indices
        return scores, classes

    def matches(self, teacher: TopKLogits, targets: Tensor) -> Tensor:
        scores, classes = teacher
        number = targets[:, 0] == KINDS.index("regression")
        near = (scores[:, 0] - targets[:, 1]).abs() <= NUMBER_TOLERANCE
        same = (classes[:, 0] == targets[:, 1].long()) & (scores[:, 0] > IMPOSSIBLE)
        return torch.where(number, near, same)

    def divergence(self, hidden: Tensor, targets: Tensor, teacher: TopKLogits, temperature: float = 1.0) -> Tensor:
        """For a number the squared distance: the divergence of two normal distributions of variance 1/2."""
        found = torch.zeros(len(targets), device=hidden.device)
        for kind, at, _ in _by_kind(targets):
            scores, classes = teacher[0][at], teacher[1][at]
            unknown = scores <= IMPOSSIBLE
            student = self.logits(kind, hidden[at]).gather(1, classes).masked_fill(unknown, IMPOSSIBLE)
            if kind == "regression":
                distance = (student[:, 0] - scores[:, 0]).square()
            else:
                distance = divergence(student, scores, temperature)
            found = found.index_put((at,), distance)
        return found

    def restrict_to(self, backbone: Backbone, texts: Sequence[Any]) -> "LabelHead":
        return self


def _by_kind(targets: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Each kind that occurs, its rows in `targets` [m], and its targets [m]."""
    for number, kind in enumerate(KINDS):
        at = (targets[:, 0] == number).nonzero()[:, 0]
        if len(at):
            yield kind, at, targets[at, 1]
