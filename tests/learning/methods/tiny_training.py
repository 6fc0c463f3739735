"""Trainings of a tiny model, one after the other, as methods see them."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from abreast.core.settings import Model, Train
from abreast.learning.adapters import make_adapter_method
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
from abreast.learning.methods.protocol import TrainingRun, TrainingStep
from abreast.learning.trainer.checkpoint import Checkpoints
from abreast.learning.trainer.dev_evaluator import DevEvaluator
from abreast.learning.trainer.trainer import Trainer, TrainingResult
from tests.learning.project import FACTS

KNOBS = {
    "learning_rate": 0.01,
    "top_layers": 2,
    "peft": {"method": "lora", "rank": 4, "alpha": 8},
    "tokens_per_batch": 40,
    "patience": 40,
    "epochs": 40,
}


@cache
def _base(folder: Path) -> tuple[Any, Any]:
    return load_base(Model(base=str(folder), device="cpu"))[:2]


def make_run(
    base: Path, parent: dict[str, torch.Tensor] | None = None, inherited_state: dict | None = None, facts: dict = FACTS
) -> TrainingRun:
    """A training of `facts` before its first step, from the weights of a parent or from fresh ones."""
    model, tokenizer = _base(base)
    prompt_tokenizer = PromptTokenizer(tokenizer, "Q: {question}:")
    torch.manual_seed(3)
    model = copy.deepcopy(model)
    config = make_adapter_method(KNOBS["peft"]).peft_config(model, KNOBS["top_layers"])
    peft_model = add_adapter(model, config, "candidate", trainable=True)
    parameters = trained_parameters(peft_model)
    with torch.no_grad():
        for name, value in (parent or {}).items():
            parameters[name].copy_(value)
    backbone = CachedBackbone(peft_model.get_base_model(), KNOBS["top_layers"], peft_model.disable_adapter)
    examples = [prompt_tokenizer.pair(f"value of {key}", value) for key, value in facts.items()]
    return TrainingRun(
        backbone,
        prompt_tokenizer,
        parameters,
        parent is not None,
        examples,
        list(facts),
        inherited_state=dict(inherited_state or {}),
    )


def train(
    run: TrainingRun,
    methods: list[Any],
    folder: Path,
    report: Callable[[float, str], None] = lambda share, note: None,
    **knobs: Any,
) -> TrainingResult:
    """Train; the development set is the training set. `folder` is for checkpoints."""
    settings = Train(**(KNOBS | {"checkpoint_seconds": 1000.0} | knobs))
    due = [0] * len(run.examples)
    dev = DevEvaluator(run.backbone, run.examples, [])
    return Trainer(run, methods, due, dev, settings, settings.learning_rate, Checkpoints(folder), report).run()


def weights(run: TrainingRun) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in run.parameters.items()}


def shake(run: TrainingRun, seed: int = 1, size: float = 0.1) -> None:
    """Add noise to the weights."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in run.parameters.values():
            parameter += size * torch.randn(parameter.shape, generator=generator)


def step_of(run: TrainingRun) -> TrainingStep:
    """One forward pass over all examples."""
    hidden, targets, owner = run.backbone.completion_states(run.examples)
    losses = torch.nn.functional.cross_entropy(
        run.backbone.model.get_output_embeddings()(hidden), targets, reduction="none"
    )
    return TrainingStep(run.examples, len(run.examples), hidden, targets, owner, losses)
