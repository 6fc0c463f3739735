"""Interpolation between the parent and the trained weights; the development set chooses the share.

WiSE-FT of Wortsman et al. 2022 (arXiv:2109.01903), with the parent in place of the zero-shot model. The shares of the
trained weights are 1, 1 - 1/parts, ..., 1/parts; the share 0, the parent itself, is not a candidate.
"""

from collections.abc import Callable
from typing import Any

import torch
from pydantic import Field

from abreast.learning.methods import protocol


class Interpolate:
    """start + share (trained - start), with the share that has most exact answers, then the lowest loss."""

    class Knobs(protocol.Knobs):
        parts: int = Field(5, ge=2, le=50)

    def __init__(self, knobs: Knobs):
        self._parts = knobs.parts

    def on_train_end(self, run: protocol.TrainingRun, score: Callable[[], Any]) -> None:
        if not run.has_parent:
            return
        trained, candidates = run.weights(), []
        for part in range(self._parts, 0, -1):
            weights = {name: torch.lerp(run.start[name], trained[name], part / self._parts) for name in trained}
            run.put(weights)
            scored = score()
            candidates.append((scored.exact, -scored.loss, part, weights))
        run.put(max(candidates, key=lambda one: one[:3])[-1])
