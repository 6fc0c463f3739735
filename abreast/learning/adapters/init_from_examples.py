"""EVA and CorDA: initialise LoRA from what its layers read of the examples.

EVA (Paischer et al. 2024, arXiv:2410.07170): the rows of A are the main directions of a layer's input, B is zero. CorDA
(Yang et al. 2024, arXiv:2406.05223), instruction-previewed: the initial weights are the part of a layer that matters
most in the main directions of its input; `init_from_base` sets them. Both are PEFT's own functions, run on the active
parts of some examples under the base; `CachedBackbone` caches lower layers and prompts, so these are not run again.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from abreast.core.errors import AbreastError
from abreast.learning.adapters.init_from_base import start_from_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample

SAMPLE_TOKENS = 2048
"""Tokens that are used, of examples spread evenly over all."""
TOKENS_PER_DIRECTION = 4
"""EVA needs so many tokens for each direction, at least."""
MAX_PASSES = 50
"""EVA's directions must converge within so many passes over the same tokens; three are usual."""


def init_lora(
    init: str, peft_model: Any, rank: int, alpha: int, backbone: CachedBackbone, texts: Sequence[TokenizedExample]
) -> None:
    """Set the initial weights of the active adapter of `peft_model`, which is fresh, by `init` (`eva` or `corda`).

    Args:
        rank: for CorDA half the adapter's, see `init_from_base`.
        alpha: for CorDA half the adapter's.

    Raises:
        AbreastError: the examples, or the base, are not enough for it.
    """
    if init == "eva" and texts:
        _init_eva(peft_model, rank, backbone, texts)
    elif texts:
        _init_corda(peft_model, rank, alpha, backbone, texts)


def sample_texts(backbone: CachedBackbone, texts: Sequence[TokenizedExample], init: str) -> list[TokenizedExample]:
    """Some of the texts, cached by `backbone`, so that running them runs only their active parts in the top layers.

    Raises:
        AbreastError: they cannot be cached.
    """
    some = list(dict.fromkeys(texts))
    some = some[:: -(-_active_tokens(some) // SAMPLE_TOKENS)]
    backbone.precompute(some)
    if not backbone.is_precomputed(some):
        raise AbreastError(f"train.peft.init is {init}, which needs a base whose top layers can be run alone")
    with torch.no_grad():
        _run_base(backbone, some)
    return some


def _run_base(backbone: CachedBackbone, texts: Sequence[TokenizedExample]) -> None:
    """Run texts under the base, one by one."""
    with backbone.adapter_disabled():
        for text in texts:
            backbone.completion_states([text])


def eva_directions(
    peft_model: Any, rank: int, backbone: CachedBackbone, texts: Sequence[TokenizedExample]
) -> dict[str, Tensor]:
    """The `rank` main directions [rank, width] of the input of each LoRA layer, by the layer's path.

    Returns:
        An empty dict if there are too few examples for so many directions.

    Raises:
        AbreastError: the base has no layer that wide, or the examples are too similar.
    """
    from peft import EvaConfig, LoraConfig, get_eva_state_dict
    from peft.tuners.lora import LoraLayer

    width = min(layer.in_features for layer in peft_model.modules() if isinstance(layer, LoraLayer))
    if 2 * rank > width:
        raise AbreastError(f"train.peft.rank is {rank}; init eva takes at most {width // 2} for this base")
    some = sample_texts(backbone, texts, "eva")
    if _active_tokens(some) < TOKENS_PER_DIRECTION * rank:
        needed = TOKENS_PER_DIRECTION * rank
        print(f"eva: fewer than {needed} tokens are learned, so the adapter starts as by default", flush=True)
        return {}
    lengths = [len(text.ids) - text.activation_index for text in some]
    longest = max(lengths)
    active = torch.tensor([[place >= longest - length for place in range(longest)] for length in lengths])
    return get_eva_state_dict(
        peft_model,
        [{}],
        LoraConfig(r=rank, init_lora_weights="eva", eva_config=EvaConfig(rho=1.0)),
        forward_fn=_LimitedPasses(backbone, some, rank),
        prepare_model_inputs_fn=None,
        prepare_layer_inputs_fn=lambda inputs, *_: inputs[0][active.to(inputs[0].device)],
        show_progress_bar=False,
    )


class _LimitedPasses:
    """Runs the same texts in each pass, and refuses to run them too often."""

    def __init__(self, backbone: CachedBackbone, texts: Sequence[TokenizedExample], rank: int):
        self._backbone, self._texts, self._rank, self._passes = backbone, texts, rank, 0

    def __call__(self, *_: Any) -> None:
        self._passes += 1
        if self._passes > MAX_PASSES:
            raise AbreastError(f"train.peft.init: eva does not settle on {self._rank} directions; take a smaller rank")
        self._backbone.completion_states(self._texts)


@torch.no_grad()
def _init_eva(peft_model: Any, rank: int, backbone: CachedBackbone, texts: Sequence[TokenizedExample]) -> None:
    name = peft_model.active_adapter
    for path, directions in eva_directions(peft_model, rank, backbone, texts).items():
        peft_model.get_submodule(path).lora_A[name].weight.copy_(directions)


def _init_corda(
    peft_model: Any, rank: int, alpha: int, backbone: CachedBackbone, texts: Sequence[TokenizedExample]
) -> None:
    from peft import LoraConfig
    from peft.tuners.lora.config import CordaConfig
    from peft.tuners.lora.corda import preprocess_corda, target_modules

    some = sample_texts(backbone, texts, "corda")
    config = LoraConfig(r=rank, target_modules=["base_layer"], init_lora_weights="corda", corda_config=CordaConfig())
    model = peft_model.get_base_model()
    preprocess_corda(model, config, lambda: _run_base(backbone, some))
    start_from_base(peft_model, rank, alpha, "corda")
    for _, layer in target_modules(model, config):
        del layer.eigens


def _active_tokens(texts: Sequence[TokenizedExample]) -> int:
    """The number of tokens at which the adapter is active."""
    return sum(len(text.ids) - text.activation_index for text in texts)
