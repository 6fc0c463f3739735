import csv
from pathlib import Path

import pytest
import torch

from abreast.core.settings import Model, Train
from abreast.learning.adapters import make_adapter_method
from abreast.learning.backbone.adapter import adapter_weights, add_adapter
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.model_folder import model_digest
from abreast.learning.trainer import train
from abreast.learning.trainer.optimizer import learning_rate, make_optimizer
from tests.learning.methods.tiny_training import make_run, weights
from tests.learning.methods.tiny_training import train as learn
from tests.learning.project import train_killed_in, write_project

WAYS = {
    "adamw, cosine": {"optimizer": "adamw", "lr_scheduler_type": "cosine", "gradient_accumulation_steps": 2},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.1, "lr_scheduler_type": "constant", "weight_decay": 0.001},
    "adafactor": {"optimizer": "adafactor", "learning_rate": 0.02},
    "bfloat16": {"precision": "bfloat16"},
}


def curve() -> list[dict[str, str]]:
    return list(csv.DictReader(Path("reports/curve.csv").read_text().splitlines()))


@pytest.mark.parametrize("way", WAYS)
def test_it_learns_and_a_killed_training_resumes_to_the_same_bytes(tmp_path, tiny_base, monkeypatch, way):
    monkeypatch.chdir(write_project(tmp_path / "project", tiny_base, **({"epochs": 4} | WAYS[way])))
    train.main()
    whole, rows = model_digest(Path("model")), curve()
    losses = [float(row["dev_loss"]) for row in rows]
    assert min(losses) < 0.9 * losses[0]
    train_killed_in(3, monkeypatch)
    train.main()
    assert (model_digest(Path("model")), curve()) == (whole, rows)


def test_the_rate_warms_up_and_then_follows_its_schedule():
    for schedule, half, end in (("linear", 0.55, 0.1), ("cosine", 0.55, 0.1), ("constant", 1.0, 1.0)):
        knobs = Train(lr_scheduler_type=schedule, warmup_ratio=0.2)
        found = [learning_rate(share, knobs, 2.0) for share in (0.0, 0.1, 0.2, 0.6, 1.0)]
        assert found == pytest.approx([0.2, 1.1, 2.0, 2 * half, 2 * end])
    knobs = Train(lr_scheduler_type="cosine", warmup_ratio=0.0)
    assert learning_rate(0.25, knobs, 1.0) == pytest.approx(0.1 + 0.9 * (1 + 0.5**0.5) / 2)


def test_a_step_of_sgd_is_the_gradient_with_momentum_and_decay():
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    optimizer = make_optimizer([weight], Train(optimizer="sgd", weight_decay=0.5), 0.1)
    for wanted in (2.0 - 0.1 * 2.0, 1.8 - 0.1 * (0.9 * 2.0 + 1.9)):  # the gradient is 1, decay adds half the weight
        weight.grad = torch.ones(1)
        optimizer.step()
        assert weight.item() == pytest.approx(wanted)


def test_accumulated_batches_make_the_step_of_one_batch_as_large(tiny_base, tmp_path):
    """All facts are of one length and one loss is a mean, so two halves weigh as much as the whole."""
    shared = {
        "epochs": 1,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "warmup_ratio": 0.0,
        "max_grad_norm": 1e9,
        "lr_scheduler_type": "constant",
    }
    length = len(make_run(tiny_base).examples[0].ids)
    found = []
    for name, knobs in {
        "whole": {"tokens_per_batch": 4 * length},
        "halves": {"tokens_per_batch": 2 * length, "gradient_accumulation_steps": 2},
    }.items():
        run = make_run(tiny_base)
        result = learn(run, [], tmp_path / name, **shared, **knobs)
        assert result.steps == 1
        found.append(weights(run))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, rtol=1e-4, atol=1e-6)


def test_bfloat16_computes_coarser_and_keeps_weights_and_states_fine(tiny_base):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    settings = make_adapter_method({"method": "lora"}).peft_config(base, 2)
    peft_model = add_adapter(base, settings, "new", trainable=True)
    texts = [TokenizedExample((5, 60, 61, 7, 8), 3, 1), TokenizedExample((9, 8, 60, 61, 6, 5), 4, 2)]
    found = []
    for bfloat16 in (False, True):
        backbone = CachedBackbone(peft_model.get_base_model(), 2, peft_model.disable_adapter, bfloat16)
        backbone.precompute(texts)
        assert backbone._can_split
        hidden = backbone.completion_states(texts)[0]
        assert hidden.dtype == torch.float32
        found.append(hidden)
    assert not torch.equal(*found)
    torch.testing.assert_close(*found, rtol=0.1, atol=0.1)
    found[1].square().mean().backward()
    assert {value.dtype for value in adapter_weights(peft_model, "new").values()} == {torch.float32}


def test_dropout_is_drawn_from_its_seed_and_only_while_learning(tiny_base):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    settings = make_adapter_method({"method": "lora", "dropout": 0.5, "init": "gaussian"}).peft_config(base, 2)
    peft_model = add_adapter(base, settings, "new", trainable=True)
    with torch.no_grad():
        for parameter in (p for p in peft_model.parameters() if p.requires_grad):
            parameter.normal_(std=0.1)
    backbone, text = (
        CachedBackbone(peft_model.get_base_model(), 2, peft_model.disable_adapter),
        TokenizedExample((5, 60, 61, 7, 8), 3, 1),
    )

    @torch.no_grad()
    def dropped(seed: int) -> torch.Tensor:
        with backbone.dropout(seed):
            return backbone.logits([text])[0]

    with torch.no_grad():
        plain = backbone.logits([text])[0]
        assert torch.equal(dropped(1), dropped(1))
        assert not torch.allclose(dropped(1), dropped(2))
        assert not torch.allclose(dropped(1), plain)
        assert torch.equal(backbone.logits([text])[0], plain)
