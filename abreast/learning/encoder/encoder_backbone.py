"""The backbone of an encoder: hidden states at the labelled positions; layers below the adapter run once.

Differences from `CachedBackbone`: texts are padded on the right, an adapter is active in all of a text, and a hook
passes the cached states and any perturbation to the lowest top layer, since an encoder takes no hidden states as input.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from abreast.learning.backbone.activation_cache import CachedActivations
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.encoder.head import LabelHead
from abreast.learning.encoder.label_tokenizer import LabelledExample


class EncoderBackbone(CachedBackbone):
    """Hidden states of an encoder with adapters injected; arguments as of `CachedBackbone`."""

    def __init__(
        self,
        model: Any,
        top_layers: int,
        head: LabelHead,
        disable_adapter: Callable[[], AbstractContextManager] = nullcontext,
        bfloat16: bool = False,
    ):
        super().__init__(model, top_layers, disable_adapter, bfloat16, head)
        self._pad_token = getattr(model.config, "pad_token_id", None) or 0

    def completion_states(
        self, texts: Sequence[LabelledExample], perturbation: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden states [n, width] at the positions of all texts, targets [n, 2] as of `LabelHead`, and owners [n]."""
        hidden = self._hidden(texts, perturbation)
        chosen = [_select(states[: len(text.ids)], text.positions) for states, text in zip(hidden, texts, strict=True)]
        targets = [(text.kind, target) for text in texts for target in text.targets]
        owner = [row for row, text in enumerate(texts) for _ in text.targets]
        place = {"device": hidden.device}
        return torch.cat(chosen), torch.tensor(targets, dtype=torch.float32, **place), torch.tensor(owner, **place)

    def _run_all_layers(self, texts: Sequence[LabelledExample], perturbation: Tensor | None = None) -> Tensor:
        with self._top_layer_input(lambda states: states if perturbation is None else states + perturbation):
            return self._split.body(**self._padded(texts)).last_hidden_state

    def _run_top_layers(
        self, texts: Sequence[LabelledExample], cached: list[CachedActivations], perturbation: Tensor | None = None
    ) -> Tensor:
        longest = max(len(one.states) for one in cached)
        states = torch.stack([pad(one.states, (0, 0, 0, longest - len(one.states))) for one in cached])
        if perturbation is not None:
            states = states + perturbation
        with self._split.only_top_layers, self._top_layer_input(lambda _: states):
            return self._split.body(**self._padded(texts)).last_hidden_state

    @torch.no_grad()
    def _compute(self, chunk: Sequence[LabelledExample]) -> list[CachedActivations]:
        with self.adapter_disabled():
            states = self._split.run_lower_layers(**self._padded(chunk))
        return [CachedActivations(one.clone(), one.new_empty(0), one.new_empty(0)) for one in states]

    def _without_padding(self, rows: Tensor, length: int) -> Tensor:
        return rows[:, :length]

    def _padded(self, texts: Sequence[LabelledExample]) -> dict[str, Tensor]:
        """Ids and mask [texts, longest], padded on the right."""
        longest, device = max(len(text.ids) for text in texts), self.model.device
        ids = [[*text.ids, *[self._pad_token] * (longest - len(text.ids))] for text in texts]
        mask = [[1] * len(text.ids) + [0] * (longest - len(text.ids)) for text in texts]
        return {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}

    @contextmanager
    def _top_layer_input(self, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """A context in which `change` maps the input [texts, longest, width] of the lowest top layer."""

        def replace(_: Any, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
            if args:
                return (change(args[0]), *args[1:]), kwargs
            return args, kwargs | {"hidden_states": change(kwargs["hidden_states"])}

        hook = self._split.first_top_layer.register_forward_pre_hook(replace, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()


def _select(states: Tensor, positions: tuple[int, ...] | None) -> Tensor:
    """The states [length, width] at some positions; without positions the mean of all states.

    For sentences the mean is better than the first token (Reimers and Gurevych 2019, arXiv:1908.10084).
    """
    return states.mean(0, keepdim=True) if positions is None else states[list(positions)]


def masked_lm_head(model: Any) -> Callable[[Tensor], Tensor] | None:
    """The masked language model head of `model` as a function of hidden states [n, width]; None if it has none.

    While it runs, a stub replaces the body, so that the family's own code computes the head, whatever its parts are.
    """
    if model.base_model is model:
        return None

    def logits(hidden: Tensor) -> Tensor:
        name, body = model.base_model_prefix, model.base_model
        setattr(model, name, _FixedStates(hidden[None]))
        try:
            return model(input_ids=torch.zeros(1, len(hidden), dtype=torch.long, device=hidden.device)).logits[0]
        finally:
            setattr(model, name, body)

    return logits


class _FixedStates(torch.nn.Module):
    """A body that returns the same hidden states [1, n, width] for any input."""

    def __init__(self, states: Tensor):
        super().__init__()
        self.states = states

    def forward(self, *_: Any, **__: Any) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=self.states)
