"""Distillation: on the lessons, the model's distribution of the next token is held to that of a teacher.

Hinton et al. 2015 (arXiv:1503.02531), for forgetting Li and Hoiem 2016 (Learning without forgetting,
arXiv:1606.09282). The teacher is the parent, or the base with the adapter asleep: neither is a second copy of the
model, for both answers are had before the first step, when the adapter still is the parent's. Of each position the
teacher's `top` likeliest tokens are kept with their logits (12 bytes each; the vocabulary of a small model would take
200 kB a token), and both distributions are over these alone. In a first training both teachers are the base.
"""

from contextlib import nullcontext
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from abreast.learning.strategies import protocol

BATCH = 16


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """KL(teacher, student) of logits [n, k], mean of n, times T squared, so that the gradients keep their size."""
    wanted, said = ((logits / temperature).log_softmax(-1) for logits in (teacher, student))
    return temperature**2 * (wanted.exp() * (wanted - said)).sum(-1).mean()


class Distil:
    """The divergence from the teacher at the completions of the lessons, weighted."""

    class Knobs(protocol.Knobs):
        weight: float = Field(1.0, ge=0)
        teacher: Literal["base", "parent"] = "parent"
        temperature: float = Field(2.0, gt=0)
        top: int = Field(64, ge=2, le=512)

    def __init__(self, knobs: Knobs):
        self._knobs = knobs

    @torch.no_grad()
    def begin(self, run: protocol.Run) -> None:
        texts = sorted(set(run.examples), key=lambda text: (len(text.ids), text.ids))
        self._taught = {}
        with run.trunk.asleep() if self._knobs.teacher == "base" else nullcontext():
            for batch in (texts[start : start + BATCH] for start in range(0, len(texts), BATCH)):
                logits, _, owner = run.trunk.logits(batch)
                top = logits.float().topk(min(self._knobs.top, logits.shape[-1]))
                for place, text in enumerate(batch):
                    self._taught[text] = top.values[owner == place], top.indices[owner == place]

    def penalty(self, run: protocol.Run, step: protocol.Step) -> Tensor:
        taught = [self._taught[text] for text in step.texts[: step.lessons]]
        teacher, tokens = (torch.cat(parts) for parts in zip(*taught, strict=True))
        head, hidden = run.trunk.model.get_output_embeddings(), step.hidden[: len(step.losses)]
        student = torch.einsum("nw,nkw->nk", hidden, head.weight[tokens])
        if getattr(head, "bias", None) is not None:
            student = student + head.bias[tokens]
        return self._knobs.weight * divergence(student.float(), teacher, self._knobs.temperature)
