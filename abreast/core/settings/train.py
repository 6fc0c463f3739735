"""The section `train`."""

from typing import Literal

from pydantic import Field

from abreast.core.settings.section import Section, Share

Method = dict[str, str | float | int | bool]
"""A method and its knobs, such as `{"method": "lora", "rank": 16}`."""


class Train(Section):
    """How the candidate is trained."""

    seed: int = Field(17, description="seed of the training")
    epochs: int = Field(8, gt=0, description="most passes over the training examples")
    learning_rate: float = Field(3e-3, gt=0, description="peak learning rate of a first model")
    update_learning_rate: float = Field(
        1.5e-3, gt=0, description="peak learning rate of a model that continues its parent"
    )
    tokens_per_batch: int = Field(120, gt=0, description="target size of a batch, in tokens")
    gradient_accumulation_steps: int = Field(1, gt=0, description="batches whose gradients make one step")
    peft: Method = Field(
        {"method": "lora", "rank": 16, "alpha": 32, "targets": "all"},
        description="how the base is adapted, see docs/adaptation.md",
    )
    top_layers: int = Field(10, gt=0, description="number of uppermost layers that are adapted")
    experts: Literal["domain"] | None = Field(
        None, description="domain: one adapter per domain, and a router, see docs/remembering.md"
    )
    optimizer: Literal["adamw", "sgd", "adafactor"] = Field("adamw", description="optimizer")
    lr_scheduler_type: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="learning rate after the warm-up"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="with bfloat16, training uses autocast")
    warmup_ratio: float = Field(0.05, ge=0.0, lt=1.0, description="share of the training that is warm-up")
    weight_decay: float = Field(0.0, ge=0, description="weight decay of the optimizer")
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    skip_above_probability: Share = Field(
        0.9, description="an example is skipped for a while once each of its tokens is more likely than this"
    )
    regularizers: tuple[Method, ...] = Field(
        ({"method": "anchor", "weight": 4.0}, {"method": "locality", "weight": 4.0, "questions": 2}),
        description="methods against forgetting, see docs/training-methods.md",
    )
    max_tokens: int = Field(50_000, gt=0, description="training stops after this many tokens")
    patience: int = Field(4, gt=0, description="training stops after this many checks without gain on the dev set")
    max_forgetting: Share = Field(0.1, description="training stops if it loses a larger share of old answers for good")
    max_kl: float | None = Field(
        None,
        gt=0,
        description="training stops above this KL divergence from the parent, in nats per token; null: no limit",
    )
    checkpoint_seconds: float = Field(10.0, ge=0, description="seconds between checkpoints")
