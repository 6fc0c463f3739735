"""Distillation: on the lessons, the model's distribution of the next token is held to that of a teacher.

Hinton et al. 2015 (arXiv:1503.02531), for forgetting Li and Hoiem 2016 (Learning without forgetting,
arXiv:1606.09282). The teacher is the parent, or the base with the adapter asleep: neither is a second copy of the
model, for both are heard before the first step, when the adapter still is the parent's (`Heard`, of each position the
`top` likeliest tokens). In a first training both teachers are the base.
"""

from contextlib import nullcontext
from typing import Literal

from pydantic import Field
from torch import Tensor

from abreast.learning.backbone.divergence import Heard
from abreast.learning.methods import protocol


class Distil:
    """The divergence from the teacher at the completions of the lessons, weighted."""

    class Knobs(protocol.Knobs):
        weight: float = Field(1.0, ge=0)
        teacher: Literal["base", "parent"] = "parent"
        temperature: float = Field(2.0, gt=0)
        top: int = Field(64, ge=2, le=512)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def begin(self, run: protocol.Run) -> None:
        with run.trunk.asleep() if self._knobs.teacher == "base" else nullcontext():
            self._teacher = Heard(run.trunk, run.examples, self._knobs.top)

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        heard, own = self._teacher.of(step.texts[: step.lessons]), len(step.losses)
        hidden, targets = step.hidden[:own], step.targets[:own]
        apart = run.trunk.head.divergence(hidden, targets, heard, self._knobs.temperature)
        return self._knobs.weight * apart.mean()
