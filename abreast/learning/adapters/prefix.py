"""Prefix: each of the uppermost layers attends to some learned vectors beside what it reads.

Prefix tuning (Li and Liang 2021, arXiv:2101.00190) in the form of LLaMA-Adapter (Zhang et al. 2023, arXiv:2303.16199):
what comes from the vectors passes a gate that begins at zero, so an untrained prefix changes nothing. PEFT has it for
the families of Llama, Mistral and GPT-2.
"""

from typing import Any

from pydantic import Field

from abreast.core.errors import AbreastError
from abreast.learning.adapters import protocol


class Prefix:
    """`length` learned vectors and a gate in the attention of each layer."""

    class Knobs(protocol.Knobs):
        length: int = Field(10, gt=0)

    sleeps = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def settings(self, model: Any, layers: int) -> Any:
        from peft import AdaptionPromptConfig
        from peft.tuners.adaption_prompt.config import TRANSFORMERS_MODEL_CONFIG

        from abreast.learning.adapters.modules import upper_layers

        kind = model.config.model_type
        if kind not in TRANSFORMERS_MODEL_CONFIG:
            known = ", ".join(sorted(TRANSFORMERS_MODEL_CONFIG))
            raise AbreastError(f"train.peft.method is 'prefix', which PEFT has for {known}; model.base is a {kind}")
        count = len(upper_layers(model, layers))
        return AdaptionPromptConfig(adapter_len=self.knobs.length, adapter_layers=count, task_type="CAUSAL_LM")
