"""The router: a prompt goes to the expert whose prompts it is nearest to, in what the base makes of them.

The base never learns and the adapter sleeps while a prompt is read, so what prompts look like never drifts, and means
that were counted once hold for ever: the nearest mean of Rebuffi et al. 2017 (iCaRL, arXiv:1611.07725) without their
exemplars. Distances are measured in units of the spread that prompts have within experts, one covariance for all: the
streaming linear discriminant analysis of Hayes and Kanan 2020 (arXiv:1909.01520). Its state does not grow with the
number of lessons, and learning an expert leaves the means of all others alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

SHRINK = 0.3
"""How much of the covariance is the same in all directions, so that few lessons are enough to invert it."""


@dataclass(frozen=True)
class Router:
    """What was counted of the prompts of each expert.

    Attributes:
        counts: how many prompts each expert has learned [experts].
        means: their means [experts, width].
        scatter: the sum of the squared distances from them, over all experts [width, width].
    """

    counts: Tensor
    means: Tensor
    scatter: Tensor

    @classmethod
    def empty(cls, width: int) -> "Router":
        """No expert yet."""
        return cls(torch.zeros(0), torch.zeros(0, width), torch.zeros(width, width))

    def learned(self, experts: int, prompts: Mapping[int, Tensor]) -> "Router":
        """The router for so many experts after further prompts [n, width] of some of them; this one stays as it is."""
        more = experts - len(self.counts)
        counts = torch.cat([self.counts, torch.zeros(more)])
        means = torch.cat([self.means, torch.zeros(more, self.means.shape[1])])
        scatter = self.scatter.double()
        for expert, rows in prompts.items():
            rows, known = rows.double().cpu(), counts[expert].item()
            mean, former = rows.mean(0), means[expert].double()
            share = len(rows) / (known + len(rows))
            within, apart = rows - mean, mean - former
            scatter = scatter + within.T @ within + known * share * apart.outer(apart)
            counts[expert], means[expert] = known + len(rows), former + share * apart
        return Router(counts, means, scatter.float())

    def nearest(self, prompts: Tensor) -> list[int]:
        """The expert of each of the prompts [n, width]; one that has learned no prompt is never chosen."""
        places = torch.cdist(self._scaled(prompts), self._scaled(self.means))
        return places.masked_fill(self.counts == 0, torch.inf).argmin(1).tolist()

    def _scaled(self, rows: Tensor) -> Tensor:
        """Rows [n, width] where the spread within experts has length one in every direction."""
        return torch.linalg.solve_triangular(self._root, rows.double().cpu().T, upper=False).T

    @cached_property
    def _root(self) -> Tensor:
        covariance = self.scatter.double() / max(1.0, self.counts.sum().item())
        level = covariance.diagonal().mean().item() or 1.0
        even = level * torch.eye(len(covariance), dtype=torch.float64)
        return torch.linalg.cholesky((1 - SHRINK) * covariance + SHRINK * even)
