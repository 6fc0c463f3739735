"""The router: sends a prompt to the expert with the nearest mean, in the space of the base's hidden states.

The base never learns and the adapter is not active in the prompt, so the hidden states of prompts never drift, and
means that were computed once stay valid: the nearest mean of Rebuffi et al. 2017 (iCaRL, arXiv:1611.07725) without
exemplars. Distances are scaled by one covariance, that of prompts within experts: the streaming linear discriminant
analysis of Hayes and Kanan 2020 (arXiv:1909.01520). The state does not grow with the number of examples, and learning
one expert leaves the means of all others alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

SHRINKAGE = 0.3
"""The share of the covariance that is the same in all directions, so that few examples are enough to invert it."""


@dataclass(frozen=True)
class Router:
    """Statistics of the prompts of each expert.

    Attributes:
        counts: the number of prompts of each expert [experts].
        means: their means [experts, width].
        scatter: the sum of the squared distances from them, over all experts [width, width].
    """

    counts: Tensor
    means: Tensor
    scatter: Tensor

    @classmethod
    def empty(cls, width: int) -> "Router":
        """A router without experts."""
        return cls(torch.zeros(0), torch.zeros(0, width), torch.zeros(width, width))

    def updated(self, experts: int, prompts: Mapping[int, Tensor]) -> "Router":
        """A router for so many experts, with further prompts [n, width] of some of them; this one does not change."""
        more = experts - len(self.counts)
        counts = torch.cat([self.counts, torch.zeros(more)])
        means = torch.cat([self.means, torch.zeros(more, self.means.shape[1])])
        scatter = self.scatter.double()
        for expert, rows in prompts.items():
            rows, count = rows.double().cpu(), counts[expert].item()
            mean, before = rows.mean(0), means[expert].double()
            share = len(rows) / (count + len(rows))
            within, moved = rows - mean, mean - before
            scatter = scatter + within.T @ within + count * share * moved.outer(moved)
            counts[expert], means[expert] = count + len(rows), before + share * moved
        return Router(counts, means, scatter.float())

    def nearest(self, prompts: Tensor) -> list[int]:
        """The number of the expert for each prompt [n, width]; an expert without prompts is never chosen."""
        distances = torch.cdist(self._whitened(prompts), self._whitened(self.means))
        return distances.masked_fill(self.counts == 0, torch.inf).argmin(1).tolist()

    def _whitened(self, rows: Tensor) -> Tensor:
        """Rows [n, width] in coordinates where the covariance within experts is the identity."""
        return torch.linalg.solve_triangular(self._root, rows.double().cpu().T, upper=False).T

    @cached_property
    def _root(self) -> Tensor:
        covariance = self.scatter.double() / max(1.0, self.counts.sum().item())
        level = covariance.diagonal().mean().item() or 1.0
        identity = level * torch.eye(len(covariance), dtype=torch.float64)
        return torch.linalg.cholesky((1 - SHRINKAGE) * covariance + SHRINKAGE * identity)
