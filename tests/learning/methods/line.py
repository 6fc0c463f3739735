"""Trainings of a tiny model, one after the other, as strategies see them."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch

from abreast.core.settings import Model, Train
from abreast.learning.adapters import make_adaptation
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoder
from abreast.learning.methods.protocol import Run, Step
from abreast.learning.trainer.checkpoint import Checkpoints
from abreast.learning.trainer.dev_evaluator import Development
from abreast.learning.trainer.trainer import Outcome, Trainer
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
    base: Path, parent: dict[str, torch.Tensor] | None = None, memory: dict | None = None, facts: dict = FACTS
) -> Run:
    """A training of `facts` that is about to begin, on the weights of a parent or on fresh ones."""
    model, tokenizer = _base(base)
    encoder = Encoder(tokenizer, "Q: {question}:")
    torch.manual_seed(3)
    model = copy.deepcopy(model)
    settings = make_adaptation(KNOBS["peft"]).settings(model, KNOBS["top_layers"])
    adapted = add_adapter(model, settings, "candidate", trainable=True)
    parameters = trained_parameters(adapted)
    with torch.no_grad():
        for name, value in (parent or {}).items():
            parameters[name].copy_(value)
    trunk = Trunk(adapted.get_base_model(), KNOBS["top_layers"], adapted.disable_adapter)
    examples = [encoder.pair(f"value of {key}", value) for key, value in facts.items()]
    return Run(trunk, encoder, parameters, parent is not None, examples, list(facts), memory=dict(memory or {}))


def train(
    run: Run,
    strategies: list[Any],
    folder: Path,
    report: Callable[[float, str], None] = lambda share, note: None,
    **knobs: Any,
) -> Outcome:
    """Train, with a checkpoint in `folder` after each step; the development set asks what is taught."""
    settings = Train(**(KNOBS | {"checkpoint_seconds": 0.0} | knobs))
    due = [0] * len(run.examples)
    dev = Development(run.trunk, run.examples, [])
    return Trainer(run, strategies, due, dev, settings, settings.learning_rate, Checkpoints(folder), report).run()


def weights(run: Run) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in run.parameters.items()}


def shake(run: Run, seed: int = 1, size: float = 0.1) -> None:
    """Move the weights away from where they are."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in run.parameters.values():
            parameter += size * torch.randn(parameter.shape, generator=chance)


def step_of(run: Run) -> Step:
    """One forward pass over all lessons."""
    hidden, targets, owner = run.trunk.completions(run.examples)
    losses = torch.nn.functional.cross_entropy(
        run.trunk.model.get_output_embeddings()(hidden), targets, reduction="none"
    )
    return Step(run.examples, len(run.examples), hidden, targets, owner, losses)
