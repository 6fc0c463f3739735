"""Interpolation with the parent after training, as far toward the new weights as the development set likes best.

WiSE-FT of Wortsman et al. 2022 (arXiv:2109.01903), with the parent in place of the zero-shot model. The shares of the
new weights tried are 1, 1 - 1/parts, ..., 1/parts; the share 0, the parent itself, is not a candidate.
"""

from collections.abc import Callable
from typing import Any

import torch
from pydantic import Field

from abreast.learning.methods import protocol


class Interpolate:
    """start + share (trained - start); of the shares the one with most exact answers, then the lowest loss."""

    class Knobs(protocol.Knobs):
        parts: int = Field(5, ge=2, le=50)

    def __init__(self, knobs: Knobs):
        self._parts = knobs.parts

    def end(self, run: protocol.Run, score: Callable[[], Any]) -> None:
        if not run.parent:
            return
        new, found = run.weights(), []
        for part in range(self._parts, 0, -1):
            weights = {name: torch.lerp(run.start[name], new[name], part / self._parts) for name in new}
            run.put(weights)
            scored = score()
            found.append((scored.exact, -scored.loss, part, weights))
        run.put(max(found, key=lambda one: one[:3])[-1])
