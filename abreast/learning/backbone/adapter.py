"""The adapter in a model and in its folder, whichever way to adapt it is of (`abreast.learning.adapters`).

One that sleeps while a prompt is read is kept as PEFT's Activated LoRA (Greenewald et al. 2025, arXiv:2504.12397), so
that whatever serves that serves it; here `Trunk` sees to it what is run with it and what without.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from abreast.learning.backbone.architecture import is_encoder


def add_adapter(model: Any, config: Any, name: str, weights: Path | None = None, trainable: bool = False) -> Any:
    """Inject an adapter into `model` (a plain model, or one that holds adapters) and make it the active one.

    Args:
        weights: a model folder whose adapter weights are taken over; without it the adapter starts as an identity.
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
    activate(model, name, trainable)
    if weights is not None:
        from safetensors.torch import load_file

        set_peft_model_state_dict(model, load_file(weights / "adapter_model.safetensors"), adapter_name=name)
    return model.eval()


def activate(model: Any, name: str, trainable: bool = False) -> None:
    """Make one of the adapters of `model` the active one."""
    if model.peft_config[name].is_adaption_prompt:  # PEFT freezes none of these; nor is there a need to
        model.set_adapter(name)
    else:
        model.set_adapter(name, inference_mode=not trainable)


def trained_parameters(model: Any) -> dict[str, torch.nn.Parameter]:
    """What learns of a model with an active, trainable adapter, by name."""
    return {name: p for name, p in model.get_base_model().named_parameters() if p.requires_grad}


def adapter_weights(model: Any, name: str) -> dict[str, torch.Tensor]:
    """The weights of one adapter under PEFT's own names, detached copies."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(model, adapter_name=name, save_embedding_layers=False)
    return {key: value.detach().clone().contiguous() for key, value in state.items()}


def saved_settings(folder: Path) -> tuple[Any, bool]:
    """PEFT's settings from a model folder, as `add_adapter` takes them, and whether the adapter sleeps at first."""
    from peft import PeftConfig

    settings = PeftConfig.from_pretrained(str(folder))
    sleeps = bool(getattr(settings, "alora_invocation_tokens", None))
    if sleeps:
        settings.alora_invocation_tokens = None
    return settings, sleeps


@contextmanager
def speaking(model: Any, name: str | None, trunk: Any) -> Iterator[None]:
    """Inside, that adapter of `model` is the active one; with None the base speaks alone, with `trunk` asleep."""
    if name is not None:
        activate(model, name)
        yield
    else:
        with trunk.asleep():
            yield
