"""AdaLoRA: LoRA as a singular value decomposition whose rank goes to the layers that need it.

Zhang et al. 2023 (arXiv:2303.10512). Each layer begins with `rank` singular values; PEFT's RankAllocator sets those to
zero that matter least, until `target` a layer are left on average. Its clock runs in thousandths of the training that
`train.epochs` and `train.max_tokens` allow: for the first tenth nothing is taken, and from seven tenths on no more.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from abreast.learning.adapters import protocol

WHOLE, FIRST, LAST = 1000, 100, 300


class AdaLora:
    """scale B diag(E) A x beside W x."""

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

    sleeps = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def settings(self, model: Any, layers: int) -> Any:
        from peft import AdaLoraConfig

        from abreast.learning.adapters.modules import linear_layers

        return AdaLoraConfig(
            init_r=self.knobs.rank,
            target_r=self.knobs.target,
            lora_alpha=self.knobs.alpha,
            lora_dropout=self.knobs.dropout,
            orth_reg_weight=self.knobs.orthogonal,
            total_step=WHOLE,
            tinit=FIRST,
            tfinal=LAST,
            task_type="CAUSAL_LM",
            **linear_layers(model, layers, self.knobs.targets),
        )

    def strategies(self, adapted: Any, first: bool) -> Sequence[Any]:
        from abreast.learning.adapters.rank import Allocate

        return [Allocate(adapted.base_model.rankallocator, adapted.get_base_model(), self.knobs.orthogonal)]
