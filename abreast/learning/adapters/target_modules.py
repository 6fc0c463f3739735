"""The modules of a model's top layers, in the form that PEFT configs need."""

from typing import Any, Literal

import torch

from abreast.core.errors import AbreastError
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.layer_split import layer_list

Targets = Literal["all", "attention", "mlp"]


def top_layer_modules(model: Any, layers: int) -> dict[str, torch.nn.Module]:
    """The `layers` top layers, the lowest first, by their paths in `model`."""
    listed = layer_list(model)[2]
    above = next(path for path, module in model.named_modules() if module is listed)
    first = max(0, len(listed) - layers)
    return {f"{above}.{number}": listed[number] for number in range(first, len(listed))}


def module_paths(model: Any, layers: int, names: list[str]) -> list[str]:
    """The paths in `model` of the modules in its `layers` top layers that have one of these names."""
    ends = tuple(f".{name}" for name in names)
    paths = [
        f"{at}.{path}" for at, layer in top_layer_modules(model, layers).items() for path, _ in layer.named_modules()
    ]
    return [path for path in paths if path.endswith(ends)]


def linear_layers(model: Any, layers: int, targets: Targets) -> dict[str, Any]:
    """LoraConfig's arguments for the linear layers of the top layers: all, those of attention, or all others.

    Raises:
        AbreastError: there are none.
    """
    _, name, listed = layer_list(model)
    paths = _linear(listed[0], targets)
    if is_encoder(model.config):  # in BERT, `output.dense` ends attention and the feed-forward part
        return {"target_modules": linear_paths(model, layers, targets)}
    return {
        "target_modules": sorted({path.rsplit(".", 1)[-1] for path in paths} if targets == "all" else paths),
        "layers_to_transform": list(range(max(0, len(listed) - layers), len(listed))),
        "layers_pattern": name,
    }


def linear_paths(model: Any, layers: int, targets: Targets) -> list[str]:
    """The paths in `model` of the same linear layers; raises as `linear_layers` does."""
    return [
        f"{at}.{path}" for at, layer in top_layer_modules(model, layers).items() for path in _linear(layer, targets)
    ]


def _linear(layer: torch.nn.Module, targets: Targets) -> list[str]:
    """The paths of the linear layers in one layer."""
    paths = [path for path, module in layer.named_modules() if isinstance(module, torch.nn.Linear)]
    if targets != "all":
        paths = [path for path in paths if ("attn" in path or "attention" in path) == (targets == "attention")]
    if not paths:
        raise AbreastError(f"train.peft: no linear layers ({targets}) in {type(layer).__name__} of model.base")
    return paths
