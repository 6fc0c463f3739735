"""LoRA: adds a product of two narrow matrices to each linear layer.

Hu et al. 2021 (arXiv:2106.09685); on the feed-forward part or on attention alone with `targets`; scaled for high ranks
with `rslora` (Kalajdzievski 2023, arXiv:2312.03732); length and direction apart with `dora` (Liu et al. 2024,
arXiv:2402.09353). It starts as an identity, or with `init` from the strongest part of the base: PiSSA (Meng et al.
2024, arXiv:2404.02948) or OLoRA (Büyükakyüz 2024, arXiv:2406.01775), see `init_from_base`; or from the examples: EVA
(Paischer et al. 2024, arXiv:2410.07170) or CorDA (Yang et al. 2024, arXiv:2406.05223), see `init_from_examples`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from abreast.learning.adapters import protocol

PEFT_INIT = {"gaussian": "gaussian", "orthogonal": "orthogonal"}
FROM_BASE = ("pissa", "olora", "corda")
FROM_EXAMPLES = ("eva", "corda")


class Lora:
    """Adds scale B A x to W x, with the scale alpha / rank, or alpha / sqrt(rank) with rslora."""

    class Knobs(protocol.Knobs):
        rank: int = Field(16, gt=0)
        alpha: int = Field(32, gt=0)
        targets: Literal["all", "attention", "mlp"] = "all"
        dropout: float = Field(0.0, ge=0, lt=1)
        rslora: bool = False
        dora: bool = False
        init: Literal["default", "gaussian", "orthogonal", "pissa", "olora", "eva", "corda"] = "default"

        @model_validator(mode="after")
        def _init_fits(self) -> "Lora.Knobs":
            if self.init == "orthogonal" and self.rank % 2:
                raise ValueError(f"init orthogonal needs an even rank, not {self.rank}")
            if self.init in FROM_BASE and self.rslora:
                raise ValueError(f"init {self.init} does not go with rslora")
            return self

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    @property
    def activated(self) -> bool:
        return not self.knobs.dora

    def peft_config(self, model: Any, layers: int) -> Any:
        from peft import LoraConfig

        from abreast.learning.adapters.target_modules import linear_layers

        halves = 2 if self.knobs.init in FROM_BASE else 1
        return LoraConfig(
            r=halves * self.knobs.rank,
            lora_alpha=halves * self.knobs.alpha,
            lora_dropout=self.knobs.dropout,
            use_rslora=self.knobs.rslora,
            use_dora=self.knobs.dora,
            init_lora_weights=PEFT_INIT.get(self.knobs.init, True),
            task_type="CAUSAL_LM",
            **linear_layers(model, layers, self.knobs.targets),
        )

    def training_methods(self, peft_model: Any, first: bool) -> Sequence[Any]:
        if self.knobs.init not in FROM_BASE:
            return ()
        from abreast.learning.adapters.init_from_base import FreezeInitialHalf, start_from_base

        if first and self.knobs.init != "corda":
            start_from_base(peft_model, self.knobs.rank, self.knobs.alpha, self.knobs.init)
        return [FreezeInitialHalf(self.knobs.rank)]

    def init_from_examples(self, peft_model: Any, backbone: Any, texts: Sequence[Any]) -> None:
        if self.knobs.init in FROM_EXAMPLES:
            from abreast.learning.adapters.init_from_examples import init_lora

            init_lora(self.knobs.init, peft_model, self.knobs.rank, self.knobs.alpha, backbone, texts)
