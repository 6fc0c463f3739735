"""The adapter: LoRA (Hu et al. 2021, arXiv:2106.09685) on every linear layer of the uppermost decoder layers.

It is awake from the end of the prompt only, and kept as PEFT's Activated LoRA (Greenewald et al. 2025,
arXiv:2504.12397), so that whatever serves that serves it; here `Trunk` sees to it what is run with it and what without.
"""

import warnings
from pathlib import Path
from typing import Any

import torch

from abreast.config import Train
from abreast.errors import AbreastError
from abreast.learning.lower import layer_list


def lora_config(model: Any, train: Train) -> Any:
    """PEFT's settings for `model`.

    Raises:
        AbreastError: the model's layers hold no linear layer that PEFT could adapt.
    """
    from peft import LoraConfig

    _, name, layers = layer_list(model)
    linear = {part.rsplit(".", 1)[-1] for part, module in layers[0].named_modules() if _is_linear(module)}
    if not linear:
        raise AbreastError(f"model.base: no linear layers in {type(layers[0]).__name__}")
    first = max(0, len(layers) - train.layers)
    return LoraConfig(
        r=train.rank,
        lora_alpha=train.alpha,
        target_modules=sorted(linear),
        layers_to_transform=list(range(first, len(layers))),
        layers_pattern=name,
        task_type="CAUSAL_LM",
    )


def _is_linear(module: Any) -> bool:
    return isinstance(module, torch.nn.Linear)


def add_adapter(model: Any, config: Any, name: str, weights: Path | None = None, trainable: bool = False) -> Any:
    """Inject an adapter into `model` (a plain model, or one that holds adapters) and make it the active one.

    Args:
        weights: a model folder whose adapter weights are taken over; without it the adapter starts as an identity.
    """
    from peft import PeftModel, get_peft_model, set_peft_model_state_dict

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # The folder that a base was loaded from differs between machines; its digest is compared instead.
        warnings.filterwarnings("ignore", "The PEFT config's `base_model_name_or_path` was renamed")
        if isinstance(model, PeftModel):
            model.add_adapter(name, config)
        else:
            model = get_peft_model(model, config, adapter_name=name)
    if weights is not None:
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(weights / "adapter_model.safetensors"), adapter_name=name)
    model.set_adapter(name, inference_mode=not trainable)
    return model.eval()


def adapter_weights(model: Any, name: str) -> dict[str, torch.Tensor]:
    """The weights of one adapter under PEFT's own names, detached copies."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    return {key: value.detach().clone().contiguous() for key, value in state.items()}


def saved_settings(folder: Path) -> Any:
    """PEFT's settings from a model folder, as `add_adapter` takes them."""
    from peft import LoraConfig

    settings = LoraConfig.from_pretrained(str(folder))
    settings.alora_invocation_tokens = None
    return settings
