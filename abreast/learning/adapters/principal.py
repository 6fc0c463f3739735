"""PiSSA and OLoRA without a change of the base, which must be there whenever the adapter sleeps.

Both, and CorDA (`from_lessons`), start from matrices A0, B0 taken out of the base, train A and B from there, and leave
W - scale B0 A0 frozen. Here the base stays W, and the adapter has twice the rank: B A - B0 A0. Its upper half is A and
B, its lower half is held where it started. That is also how PEFT keeps such an adapter for use on the plain base.
"""

import copy
from typing import Any

import torch

from abreast.core.errors import AbreastError
from abreast.learning.methods import protocol


@torch.no_grad()
def start_from_base(adapted: Any, rank: int, alpha: int, init: str) -> None:
    """Fill the LoRA of twice that rank in `adapted` with what PEFT's `init` takes out of the base, and its opposite."""
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora import LoraLayer
    from peft.tuners.lora.config import CordaConfig

    config = {"r": rank, "lora_alpha": alpha, "init_lora_weights": init, "target_modules": ["0"]}
    if init == "corda":
        config |= {"corda_config": CordaConfig()}
    name = adapted.active_adapter
    for layer in (module for module in adapted.modules() if isinstance(module, LoraLayer)):
        alone = torch.nn.Sequential(copy.deepcopy(layer.get_base_layer()))
        taken = get_peft_model(alone, LoraConfig(**config)).base_model.model[0]
        a, b = taken.lora_A["default"].weight, taken.lora_B["default"].weight
        if len(a) < rank:
            raise AbreastError(f"train.peft.rank is {rank}, but init {init} finds no more than {len(a)} in a layer")
        layer.lora_A[name].weight.copy_(torch.cat([a, a]))
        layer.lora_B[name].weight.copy_(torch.cat([b, -b], dim=1))


class HoldsStart:
    """After each step the lower half of the rank is put back to where the training started."""

    def __init__(self, rank: int):
        self._rank = rank

    @torch.no_grad()
    def follow(self, run: protocol.Run) -> None:
        for name, parameter in run.parameters.items():
            if "lora_A" in name:
                parameter[self._rank :] = run.start[name][self._rank :]
            elif "lora_B" in name:
                parameter[:, self._rank :] = run.start[name][:, self._rank :]
