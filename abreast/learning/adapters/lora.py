"""LoRA: to each linear layer a product of two narrow matrices is added.

Hu et al. 2021 (arXiv:2106.09685); on the feed-forward part or on attention alone with `targets`; scaled for high ranks
with `rslora` (Kalajdzievski 2023, arXiv:2312.03732); length and direction apart with `dora` (Liu et al. 2024,
arXiv:2402.09353). It begins as nothing, or with `init` from what is strongest in the base: PiSSA (Meng et al. 2024,
arXiv:2404.02948) or OLoRA (Büyükakyüz 2024, arXiv:2406.01775), see `principal`; or from the lessons: EVA (Paischer et
al. 2024, arXiv:2410.07170) or CorDA (Yang et al. 2024, arXiv:2406.05223), see `from_lessons`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from abreast.learning.adapters import protocol

INIT = {"gaussian": "gaussian", "orthogonal": "orthogonal"}
PRINCIPAL = ("pissa", "olora", "corda")
FROM_LESSONS = ("eva", "corda")


class Lora:
    """scale B A x beside W x, with the scale alpha / rank, or alpha / sqrt(rank) with rslora."""

    class Knobs(protocol.Knobs):
        rank: int = Field(16, gt=0)
        alpha: int = Field(32, gt=0)
        targets: Literal["all", "attention", "mlp"] = "all"
        dropout: float = Field(0.0, ge=0, lt=1)
        rslora: bool = False
        dora: bool = False
        init: Literal["default", "gaussian", "orthogonal", "pissa", "olora", "eva", "corda"] = "default"

        @model_validator(mode="after")
        def _can_begin(self) -> "Lora.Knobs":
            if self.init == "orthogonal" and self.rank % 2:
                raise ValueError(f"init orthogonal needs an even rank, not {self.rank}")
            if self.init in PRINCIPAL and self.rslora:
                raise ValueError(f"init {self.init} does not go with rslora")
            return self

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    @property
    def sleeps(self) -> bool:
        return not self.knobs.dora

    def settings(self, model: Any, layers: int) -> Any:
        from peft import LoraConfig

        from abreast.learning.adapters.modules import linear_layers

        width = 2 if self.knobs.init in PRINCIPAL else 1
        return LoraConfig(
            r=width * self.knobs.rank,
            lora_alpha=width * self.knobs.alpha,
            lora_dropout=self.knobs.dropout,
            use_rslora=self.knobs.rslora,
            use_dora=self.knobs.dora,
            init_lora_weights=INIT.get(self.knobs.init, True),
            task_type="CAUSAL_LM",
            **linear_layers(model, layers, self.knobs.targets),
        )

    def strategies(self, adapted: Any, first: bool) -> Sequence[Any]:
        if self.knobs.init not in PRINCIPAL:
            return ()
        from abreast.learning.adapters.principal import HoldsStart, start_from_base

        if first and self.knobs.init != "corda":
            start_from_base(adapted, self.knobs.rank, self.knobs.alpha, self.knobs.init)
        return [HoldsStart(self.knobs.rank)]

    def start(self, adapted: Any, trunk: Any, texts: Sequence[Any]) -> None:
        if self.knobs.init in FROM_LESSONS:
            from abreast.learning.adapters.init_from_examples import start

            start(self.knobs.init, adapted, self.knobs.rank, self.knobs.alpha, trunk, texts)
