"""EVA and CorDA: LoRA begins where the lessons say, by what its layers read of them.

EVA (Paischer et al. 2024, arXiv:2410.07170): the rows of A are the main directions of what a layer reads, B is zero.
CorDA (Yang et al. 2024, arXiv:2406.05223), instruction-previewed: what is taken out of a layer is what matters most in
the directions that it reads most of; `principal` puts it in. Both are PEFT's own functions, run on the awake parts of
some lessons under the base, which `Trunk` keeps: layers below the adapter and prompts are not read again.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from abreast.core.errors import AbreastError
from abreast.learning.adapters.principal import start_from_base
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded

SAMPLE = 2048
"""Tokens that are looked at, of lessons spread over all."""
ROWS = 4
"""Tokens for each of the directions that EVA looks for, at least."""
MOST_PASSES = 50
"""After so many looks at the same tokens EVA's directions must stay as they are; three are usual."""


def start(init: str, adapted: Any, rank: int, alpha: int, trunk: Trunk, texts: Sequence[Encoded]) -> None:
    """Put the weights of the active adapter of `adapted`, which is fresh, where `init` (`eva` or `corda`) begins.

    Args:
        rank: of CorDA half of the adapter's, see `principal`.
        alpha: of CorDA half of the adapter's.

    Raises:
        AbreastError: the lessons, or the base, are not enough for it.
    """
    if init == "eva" and texts:
        _eva(adapted, rank, trunk, texts)
    elif texts:
        _corda(adapted, rank, alpha, trunk, texts)


def sampled(trunk: Trunk, texts: Sequence[Encoded], init: str) -> list[Encoded]:
    """Some of the texts, kept by `trunk`, so that running them runs the awake parts alone.

    Raises:
        AbreastError: they cannot be kept.
    """
    some = list(dict.fromkeys(texts))
    some = some[:: -(-_tokens(some) // SAMPLE)]
    trunk.plan(some)
    if not trunk.keeps(some):
        raise AbreastError(f"train.peft.init is {init}, which needs a base whose upper layers can be run alone")
    with torch.no_grad():
        _read(trunk, some)
    return some


def _read(trunk: Trunk, texts: Sequence[Encoded]) -> None:
    """Run texts under the base, one by one."""
    with trunk.asleep():
        for text in texts:
            trunk.completions([text])


def eva_directions(adapted: Any, rank: int, trunk: Trunk, texts: Sequence[Encoded]) -> dict[str, Tensor]:
    """For each LoRA layer of `adapted`, by its path, the `rank` main directions [rank, width] of what it reads.

    Returns:
        nothing where the lessons are too few to tell so many.

    Raises:
        AbreastError: the base has no layer that wide, or the lessons are too much alike.
    """
    from peft import EvaConfig, LoraConfig, get_eva_state_dict
    from peft.tuners.lora import LoraLayer

    width = min(layer.in_features for layer in adapted.modules() if isinstance(layer, LoraLayer))
    if 2 * rank > width:
        raise AbreastError(f"train.peft.rank is {rank}; init eva takes at most {width // 2} for this base")
    some = sampled(trunk, texts, "eva")
    passes = 0
    if _tokens(some) < ROWS * rank:
        print(f"eva: fewer than {ROWS * rank} tokens are learned, so the adapter begins as by default", flush=True)
        return {}

    def run(*_: Any) -> None:
        nonlocal passes
        passes += 1
        if passes > MOST_PASSES:
            raise AbreastError(f"train.peft.init: eva does not settle on {rank} directions; take a smaller rank")
        trunk.completions(some)

    lengths = [len(text.ids) - text.wake for text in some]
    awake = torch.tensor([[place >= max(lengths) - length for place in range(max(lengths))] for length in lengths])

    return get_eva_state_dict(
        adapted,
        [{}],
        LoraConfig(r=rank, init_lora_weights="eva", eva_config=EvaConfig(rho=1.0)),
        forward_fn=run,
        prepare_model_inputs_fn=None,
        prepare_layer_inputs_fn=lambda read, *_: read[0][awake.to(read[0].device)],
        show_progress_bar=False,
    )


@torch.no_grad()
def _eva(adapted: Any, rank: int, trunk: Trunk, texts: Sequence[Encoded]) -> None:
    name = adapted.active_adapter
    for path, directions in eva_directions(adapted, rank, trunk, texts).items():
        adapted.get_submodule(path).lora_A[name].weight.copy_(directions)


def _corda(adapted: Any, rank: int, alpha: int, trunk: Trunk, texts: Sequence[Encoded]) -> None:
    from peft import LoraConfig
    from peft.tuners.lora.config import CordaConfig
    from peft.tuners.lora.corda import preprocess_corda, target_modules

    some = sampled(trunk, texts, "corda")
    config = LoraConfig(r=rank, target_modules=["base_layer"], init_lora_weights="corda", corda_config=CordaConfig())
    model = adapted.get_base_model()
    preprocess_corda(model, config, lambda: _read(trunk, some))
    start_from_base(adapted, rank, alpha, "corda")
    for _, layer in target_modules(model, config):
        del layer.eigens


def _tokens(texts: Sequence[Encoded]) -> int:
    """How many of their tokens an adapter is awake in."""
    return sum(len(text.ids) - text.wake for text in texts)
