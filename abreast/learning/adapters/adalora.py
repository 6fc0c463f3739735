"""AdaLoRA: LoRA as a singular value decomposition, with more rank for the layers that need it.

Zhang et al. 2023 (arXiv:2303.10512). Each layer starts with `rank` singular values; PEFT's RankAllocator sets the least
important ones to zero, until `target` a layer are left on average. Its step is a thousandth of the training that
`train.epochs` and `train.max_tokens` allow: it removes nothing in the first tenth, and nothing after seven tenths.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from abreast.learning.adapters import protocol

TOTAL_STEPS, WARMUP_STEPS, FINAL_STEPS = 1000, 100, 300


class AdaLora:
    """Adds scale B diag(E) A x to W x."""

    class Knobs(protocol.Knobs):
        rank: int = Field(12, gt=1)
        target: int = Field(8, gt=0)
        alpha: int = Field(32, gt=0)
        targets: Literal["all", "attention", "mlp"] = "all"
        dropout: float = Field(0.0, ge=0, lt=1)
        orthogonal: float = Field(0.1, ge=0)

        @model_validator(mode="after")
        def _has_rank_to_spare(self) -> "AdaLora.Knobs":
            if self.target >= self.rank:
                raise ValueError(f"target {self.target} must be below rank {self.rank}")
            return self

    activated = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def peft_config(self, model: Any, layers: int) -> Any:
        from peft import AdaLoraConfig

        from abreast.learning.adapters.target_modules import linear_layers

        return AdaLoraConfig(
            init_r=self.knobs.rank,
            target_r=self.knobs.target,
            lora_alpha=self.knobs.alpha,
            lora_dropout=self.knobs.dropout,
            orth_reg_weight=self.knobs.orthogonal,
            total_step=TOTAL_STEPS,
            tinit=WARMUP_STEPS,
            tfinal=FINAL_STEPS,
            task_type="CAUSAL_LM",
            **linear_layers(model, layers, self.knobs.targets),
        )

    def training_methods(self, peft_model: Any, first: bool) -> Sequence[Any]:
        from abreast.learning.adapters.rank_allocation import RankAllocation

        allocator, model = peft_model.base_model.rankallocator, peft_model.get_base_model()
        return [RankAllocation(allocator, model, self.knobs.orthogonal, TOTAL_STEPS)]
