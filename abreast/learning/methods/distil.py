"""Distillation: keeps the model's next-token distribution on the examples near that of a teacher.

Hinton et al. 2015 (arXiv:1503.02531), for forgetting Li and Hoiem 2016 (Learning without forgetting,
arXiv:1606.09282). The teacher is the parent, or the base without adapter. Neither needs a second copy of the model: the
`top` highest logits of each position are recorded before the first step, when the adapter is still the parent's
(`TeacherLogits`). In a first training both teachers are the base.
"""

from contextlib import nullcontext
from typing import Literal

from pydantic import Field
from torch import Tensor

from abreast.learning.backbone.teacher_logits import TeacherLogits
from abreast.learning.methods import protocol


class Distil:
    """The mean divergence from the teacher at the completions of the examples, times `weight`."""

    class Knobs(protocol.Knobs):
        weight: float = Field(1.0, ge=0)
        teacher: Literal["base", "parent"] = "parent"
        temperature: float = Field(2.0, gt=0)
        top: int = Field(64, ge=2, le=512)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    def on_train_begin(self, run: protocol.TrainingRun) -> None:
        with run.backbone.adapter_disabled() if self._knobs.teacher == "base" else nullcontext():
            self._teacher = TeacherLogits(run.backbone, run.examples, self._knobs.top)

    def extra_loss(self, run: protocol.TrainingRun, step: protocol.TrainingStep) -> Tensor:
        teacher, own = self._teacher.logits_of(step.texts[: step.example_count]), len(step.losses)
        hidden, targets = step.hidden[:own], step.targets[:own]
        divergence = run.backbone.head.divergence(hidden, targets, teacher, self._knobs.temperature)
        return self._knobs.weight * divergence.mean()
