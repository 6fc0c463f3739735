"""Prefix: lets each top layer attend to some learned vectors besides its input.

Prefix tuning (Li and Liang 2021, arXiv:2101.00190) in the form of LLaMA-Adapter (Zhang et al. 2023, arXiv:2303.16199):
a gate that starts at zero scales their contribution, so an untrained prefix changes nothing. PEFT supports it for the
families of Llama, Mistral and GPT-2.
"""

from typing import Any

from pydantic import Field

from abreast.core.errors import AbreastError
from abreast.learning.adapters import protocol


class Prefix:
    """`length` learned vectors and a gate in the attention of each layer."""

    class Knobs(protocol.Knobs):
        length: int = Field(10, gt=0)

    activated = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def peft_config(self, model: Any, layers: int) -> Any:
        from peft import AdaptionPromptConfig
        from peft.tuners.adaption_prompt.config import TRANSFORMERS_MODEL_CONFIG

        from abreast.learning.adapters.target_modules import top_layer_modules

        kind = model.config.model_type
        if kind not in TRANSFORMERS_MODEL_CONFIG:
            known = ", ".join(sorted(TRANSFORMERS_MODEL_CONFIG))
            raise AbreastError(
                f"train.peft.method is 'prefix', which PEFT supports for {known}; model.base is a {kind}"
            )
        count = len(top_layer_modules(model, layers))
        return AdaptionPromptConfig(adapter_len=self.knobs.length, adapter_layers=count, task_type="CAUSAL_LM")
