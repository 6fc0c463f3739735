"""A trunk with several experts: each text is run by the one that it is for."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from abreast.learning.backbone.adapter import activate
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.experts.cached_router import Desk


class Voices:
    """The adapters of one model, one of which speaks at a time.

    Args:
        adapted: PEFT's model.
        learning: the parameters that are trained. PEFT freezes those of all adapters but the active one, and a batch
            may need several.
    """

    def __init__(self, adapted: Any, learning: Mapping[str, torch.nn.Parameter]):
        self._adapted, self._learning = adapted, learning

    def speak(self, name: str) -> None:
        """From now on this adapter is the active one."""
        if self._adapted.active_adapters != [name]:
            activate(self._adapted, name)
        self.learn()

    def learn(self) -> None:
        """What is trained may be trained, whoever speaks."""
        for parameter in self._learning.values():
            parameter.requires_grad_(True)


class ByExpert:
    """A trunk which runs each text by its expert: the one that it is assigned to, else the desk's choice.

    Texts that are assigned to none, in a batch with others that are, go with them: what a strategy adds to a batch
    acts on the expert that learns from it. All else is done by the trunk of the model as it stands.
    """

    def __init__(self, trunk: Trunk, voices: Voices, desk: Desk):
        self._trunk, self._voices, self.desk = trunk, voices, desk
        self._assigned: dict[Encoded, str] = {}
        self._sleeping, self._only = False, None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trunk, name)

    def assign(self, texts: Sequence[Encoded], experts: Sequence[str]) -> None:
        """Tell who learns each of these texts."""
        self._assigned |= zip(texts, experts, strict=True)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """No expert is active inside."""
        before, self._sleeping = self._sleeping, True
        try:
            with self._trunk.asleep():
                yield
        finally:
            self._sleeping = before

    @contextmanager
    def only(self, expert: str) -> Iterator[None]:
        """Inside, one expert runs all texts, whoever they are for."""
        self._only = expert
        try:
            yield
        finally:
            self._only = None

    def together(self, texts: Sequence[Encoded]) -> Iterator[list[int]]:
        """The numbers of the texts of one expert after the other, which is active meanwhile."""
        if self._sleeping:
            yield list(range(len(texts)))
            return
        names = self._experts(texts)
        for name in dict.fromkeys(names):
            self._voices.speak(name)
            yield [number for number, other in enumerate(names) if other == name]

    def logits(self, texts: Sequence[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
        hidden, targets, owner = self.completions(texts)
        return self.model.get_output_embeddings()(hidden), targets, owner

    def completions(self, texts: Sequence[Encoded], shift: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        parts = [self._run(texts, numbers, shift) for numbers in self.together(texts)]
        if not self._sleeping:
            self._voices.learn()
        if len(parts) == 1:
            return parts[0]
        hidden, targets, owner = map(torch.cat, zip(*parts, strict=True))
        order = owner.argsort(stable=True)
        return hidden[order], targets[order], owner[order]

    def _run(self, texts: Sequence[Encoded], numbers: list[int], shift: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The texts of one expert; of a shift for all of them, what is padded on the left for others is left out."""
        own = [texts[number] for number in numbers]
        if shift is not None:
            shift = shift[numbers][:, -max(len(text.ids) - text.wake for text in own) :]
        hidden, targets, owner = self._trunk.completions(own, shift)
        return hidden, targets, torch.tensor(numbers, device=owner.device)[owner]

    def _experts(self, texts: Sequence[Encoded]) -> list[str]:
        if self._only:
            return [self._only] * len(texts)
        names = [self._assigned.get(text) for text in texts]
        if not any(names):
            return self.desk.send(texts)
        first = next(filter(None, names))
        return [name or first for name in names]
