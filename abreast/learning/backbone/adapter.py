"""PEFT adapters of any method (`abreast.learning.adapters`): add to a model, activate, read their weights.

An activated adapter is saved as PEFT's Activated LoRA (Greenewald et al. 2025, arXiv:2504.12397), so that any engine
that serves Activated LoRA can serve it. In this process `CachedBackbone` decides which tokens run with the adapter.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from abreast.learning.backbone.architecture import is_encoder


def add_adapter(model: Any, config: Any, name: str, weights: Path | None = None, trainable: bool = False) -> Any:
    """Add an adapter to `model`, a plain model or a PEFT model, and make it the active one.

    Args:
        weights: a model folder whose adapter weights are loaded; without it the adapter starts as an identity.
    """
    from peft import PeftModel, get_peft_model, set_peft_model_state_dict

    if is_encoder(model.config):
        config.task_type = "FEATURE_EXTRACTION"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        # The folder that a base was loaded from differs between machines; its digest is compared instead.
        warnings.filterwarnings("ignore", "The PEFT config's `base_model_name_or_path` was renamed")
        if isinstance(model, PeftModel):
            model.add_adapter(name, config)
        else:
            model = get_peft_model(model, config, adapter_name=name)
    activate_adapter(model, name, trainable)
    if weights is not None:
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(weights / "adapter_model.safetensors"), adapter_name=name)
    return model.eval()


def activate_adapter(model: Any, name: str, trainable: bool = False) -> None:
    """Make one of the adapters of `model` the active one."""
    if model.peft_config[name].is_adaption_prompt:  # PEFT cannot freeze these
        model.set_adapter(name)
    else:
        model.set_adapter(name, inference_mode=not trainable)


def trained_parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    """The trainable parameters of a model with an active, trainable adapter, by name."""
    return {name: p for name, p in model.get_base_model().named_parameters() if p.requires_grad}


def adapter_weights(model: Any, name: str) -> dict[str, torch.Tensor]:
    """Detached copies of the weights of one adapter, under PEFT's own names."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    return {key: value.detach().clone().contiguous() for key, value in state.items()}


def load_adapter_config(folder: Path) -> tuple[Any, bool]:
    """PEFT's config from a model folder, for `add_adapter`, and whether it is an activated adapter."""
    from peft import PeftConfig

    config = PeftConfig.from_pretrained(str(folder))
    activated = bool(getattr(config, "alora_invocation_tokens", None))
    if activated:
        config.alora_invocation_tokens = None
    return config, activated


@contextmanager
def use_adapter(model: Any, name: str | None, backbone: Any) -> Iterator[None]:
    """A context in which that adapter of `model` is active; None is the base without any adapter."""
    if name is not None:
        activate_adapter(model, name)
        yield
    else:
        with backbone.adapter_disabled():
            yield
