"""A backbone with several experts: each text runs under its own expert."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from abreast.learning.backbone.adapter import activate_adapter
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.experts.cached_router import CachedRouter


class AdapterSwitch:
    """Switches between the adapters of one model.

    Args:
        peft_model: the model.
        trainable: the parameters in training. PEFT freezes those of all adapters but the active one, and a batch may
            need several.
    """

    def __init__(self, peft_model: Any, trainable: Mapping[str, torch.nn.Parameter]):
        self._peft_model, self._trainable = peft_model, trainable

    def switch_to(self, name: str) -> None:
        """Make this adapter the active one."""
        if self._peft_model.active_adapters != [name]:
            activate_adapter(self._peft_model, name)
        self.unfreeze()

    def unfreeze(self) -> None:
        """Make all parameters in training trainable again, whichever adapter is active."""
        for parameter in self._trainable.values():
            parameter.requires_grad_(True)


class RoutedBackbone:
    """Runs each text under an expert: the one that it is assigned to, otherwise the router's choice.

    Unassigned texts in a batch with assigned ones run under the expert of these: what a method adds to a batch acts on
    the expert that learns from it. Everything else is left to the wrapped backbone.
    """

    def __init__(self, backbone: CachedBackbone, switch: AdapterSwitch, router: CachedRouter):
        self._backbone, self._switch, self.router = backbone, switch, router
        self._assigned: dict[TokenizedExample, str] = {}
        self._is_disabled, self._only = False, None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backbone, name)

    def assign(self, texts: Sequence[TokenizedExample], experts: Sequence[str]) -> None:
        """Set the expert that learns each of these texts."""
        self._assigned |= zip(texts, experts, strict=True)

    @contextmanager
    def adapter_disabled(self) -> Iterator[None]:
        """A context in which no expert is active."""
        before, self._is_disabled = self._is_disabled, True
        try:
            with self._backbone.adapter_disabled():
                yield
        finally:
            self._is_disabled = before

    @contextmanager
    def using_expert(self, expert: str) -> Iterator[None]:
        """A context in which one expert runs all texts."""
        self._only = expert
        try:
            yield
        finally:
            self._only = None

    def adapter_groups(self, texts: Sequence[TokenizedExample]) -> Iterator[list[int]]:
        """The numbers of the texts of one expert after the other, which is active meanwhile."""
        if self._is_disabled:
            yield list(range(len(texts)))
            return
        names = self._experts(texts)
        for name in dict.fromkeys(names):
            self._switch.switch_to(name)
            yield [number for number, other in enumerate(names) if other == name]

    def logits(self, texts: Sequence[TokenizedExample]) -> tuple[Tensor, Tensor, Tensor]:
        hidden, targets, owner = self.completion_states(texts)
        return self.model.get_output_embeddings()(hidden), targets, owner

    def completion_states(
        self, texts: Sequence[TokenizedExample], perturbation: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        parts = [self._run_group(texts, numbers, perturbation) for numbers in self.adapter_groups(texts)]
        if not self._is_disabled:
            self._switch.unfreeze()
        if len(parts) == 1:
            return parts[0]
        hidden, targets, owner = map(torch.cat, zip(*parts, strict=True))
        order = owner.argsort(stable=True)
        return hidden[order], targets[order], owner[order]

    def _run_group(
        self, texts: Sequence[TokenizedExample], numbers: list[int], perturbation: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run the texts of one expert; the perturbation loses the padding that only other texts need."""
        own = [texts[number] for number in numbers]
        if perturbation is not None:
            perturbation = perturbation[numbers][:, -max(len(text.ids) - text.activation_index for text in own) :]
        hidden, targets, owner = self._backbone.completion_states(own, perturbation)
        return hidden, targets, torch.tensor(numbers, device=owner.device)[owner]

    def _experts(self, texts: Sequence[TokenizedExample]) -> list[str]:
        if self._only:
            return [self._only] * len(texts)
        names = [self._assigned.get(text) for text in texts]
        if not any(names):
            return self.router.route(texts)
        first = next(filter(None, names))
        return [name or first for name in names]
