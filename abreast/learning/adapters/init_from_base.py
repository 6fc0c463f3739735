"""PiSSA and OLoRA without changing the base, which must be available whenever the adapter is disabled.

Both, and CorDA (`init_from_examples`), start from matrices A0, B0 taken out of the base, train A and B from there, and
freeze W - scale B0 A0. Here the base stays W, and the adapter has twice the rank: B A - B0 A0. Its first half is A and
B, its second half stays at its initial value. PEFT saves such an adapter in this form too, for use on the plain base.
"""

import copy
from typing import Any

import torch

from abreast.core.errors import AbreastError
from abreast.learning.methods import protocol


@torch.no_grad()
def start_from_base(peft_model: Any, rank: int, alpha: int, init: str) -> None:
    """Set the LoRA of twice that rank in `peft_model` to what PEFT's `init` takes out of the base, and its opposite."""
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora import LoraLayer
    from peft.tuners.lora.config import CordaConfig

    config = {"r": rank, "lora_alpha": alpha, "init_lora_weights": init, "target_modules": ["0"]}
    if init == "corda":
        config |= {"corda_config": CordaConfig()}
    name = peft_model.active_adapter
    for layer in (module for module in peft_model.modules() if isinstance(module, LoraLayer)):
        copied = torch.nn.Sequential(copy.deepcopy(layer.get_base_layer()))
        taken = get_peft_model(copied, LoraConfig(**config)).base_model.model[0]
        a, b = taken.lora_A["default"].weight, taken.lora_B["default"].weight
        if len(a) < rank:
            raise AbreastError(f"train.peft.rank is {rank}, but init {init} finds at most {len(a)} in a layer")
        layer.lora_A[name].weight.copy_(torch.cat([a, a]))
        layer.lora_B[name].weight.copy_(torch.cat([b, -b], dim=1))


class FreezeInitialHalf:
    """Resets the second half of the rank to its initial value after each step."""

    def __init__(self, rank: int):
        self._rank = rank

    @torch.no_grad()
    def on_step_end(self, run: protocol.TrainingRun) -> None:
        for name, parameter in run.parameters.items():
            if "lora_A" in name:
                parameter[self._rank :] = run.start[name][self._rank :]
            elif "lora_B" in name:
                parameter[:, self._rank :] = run.start[name][:, self._rank :]
