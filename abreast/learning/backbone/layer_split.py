"""A model's layers in two parts, each of which runs alone: the frozen lower layers and the top layers."""

from typing import Any

import torch
from torch import Tensor

from abreast.core.errors import AbreastError
from abreast.learning.backbone.architecture import is_encoder


def body_of(model: Any) -> Any:
    """The part of a model that turns token ids into hidden states, without the head."""
    return model.base_model if is_encoder(model.config) else model.get_decoder()


def layer_list(model: Any) -> tuple[Any, str, torch.nn.ModuleList]:
    """The module that holds a model's list of layers, the attribute name of the list, and the list.

    Raises:
        AbreastError: the model does not keep its layers in one list.
    """
    body = body_of(model)
    for holder in body.modules():
        for name, module in holder.named_children():
            if isinstance(module, torch.nn.ModuleList) and len(module) == model.config.num_hidden_layers:
                return holder, name, module
    raise AbreastError(f"model.base: no list of {model.config.num_hidden_layers} layers in {type(body).__name__}")


class LayerSplit:
    """Runs the layers below and the layers above a split point separately.

    Attributes:
        body: the model without its head.
        top_count: the number of top layers.
        first_top_layer: the lowest of them.
        only_top_layers: a context in which `body` consists of the top layers alone.
    """

    def __init__(self, model: Any, top_layers: int):
        self.body = body_of(model)
        holder, name, layers = layer_list(model)
        self.top_count = min(top_layers, len(layers))
        split = len(layers) - self.top_count
        self.first_top_layer = layers[split]
        self.only_top_layers = _LayerSwap(holder, name, layers[split:])
        self._only_lower_layers = _LayerSwap(holder, name, torch.nn.ModuleList([*layers[:split], _Stop()]))

    def run_lower_layers(self, **inputs: Any) -> Tensor:
        """The hidden states [texts, length, width] below the top layers.

        Args:
            inputs: arguments of `body`.

        Raises:
            AbreastError: `body` does not run its list of layers in order.
        """
        with self._only_lower_layers:
            try:
                self.body(**inputs)
            except _StoppedError as stopped:
                return stopped.states
        raise AbreastError("model.base: its decoder does not run its list of layers in order")


class _StoppedError(Exception):
    """Carries the hidden states out of the forward pass at the first top layer."""

    def __init__(self, states: Tensor):
        self.states = states


class _Stop(torch.nn.Module):
    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        raise _StoppedError(hidden_states)


class _LayerSwap:
    """Replaces a model's layers inside the context; numbers them from 0, as a separate key-value cache needs it."""

    def __init__(self, holder: Any, name: str, layers: torch.nn.ModuleList):
        self._holder, self._name, self._layers = holder, name, layers
        self._numbered = [
            (module, number)
            for number, layer in enumerate(layers)
            for module in layer.modules()
            if hasattr(module, "layer_idx")
        ]

    def __enter__(self) -> None:
        self._whole = getattr(self._holder, self._name)
        self._numbers = [module.layer_idx for module, _ in self._numbered]
        for module, number in self._numbered:
            module.layer_idx = number
        setattr(self._holder, self._name, self._layers)

    def __exit__(self, *_: object) -> None:
        setattr(self._holder, self._name, self._whole)
        for (module, _), number in zip(self._numbered, self._numbers, strict=True):
            module.layer_idx = number
