import pytest
import torch

from abreast.config import Model, Train
from abreast.learning import lower
from abreast.learning.adapter import add_adapter, lora_config
from abreast.learning.base import load_base
from abreast.learning.lower import Trunk
from abreast.learning.prompt import Encoded

TEXTS = [Encoded(ids, 2) for ids in [(5, 6, 7, 8), (9, 8, 7, 6, 5, 4, 3), (11, 12, 13, 14), (1, 2, 3, 4, 5)]]


@pytest.fixture
def model(tiny_base):
    """The tiny base with an adapter that changes something in its two upper layers."""
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    adapted = add_adapter(base, lora_config(base, Train(layers=2)), "tiny", trainable=True)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in (p for p in adapted.parameters() if p.requires_grad):
            parameter.normal_(std=0.1)
    return adapted.get_base_model()


@torch.no_grad()
def test_kept_activations_give_the_plain_logits(model):
    planned, plain = Trunk(model, 2), Trunk(model, 2)
    planned.plan(TEXTS)
    for found, wanted in zip(planned.logits(TEXTS), plain.logits(TEXTS), strict=True):
        torch.testing.assert_close(found.float(), wanted.float(), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_logits_are_those_of_the_whole_model(model):
    text = TEXTS[1]
    logits, targets, owner = Trunk(model, 2).logits([text])
    whole = model(torch.tensor([text.ids])).logits[0, text.prompt - 1 : -1]
    torch.testing.assert_close(logits, whole)
    assert targets.tolist() == list(text.completion)
    assert owner.tolist() == [0] * 5


def test_lower_layers_run_once(model, monkeypatch):
    trunk, runs = Trunk(model, 2), []
    trunk.plan(TEXTS)
    once = trunk._run_lower
    monkeypatch.setattr(trunk, "_run_lower", lambda chunk: runs.append(len(chunk)) or once(chunk))
    for _ in range(3):
        trunk.logits(TEXTS)
    assert sum(runs) == len(TEXTS)


def test_gradients_reach_the_adapter(model):
    trunk = Trunk(model, 2)
    trunk.plan(TEXTS)
    trunk.logits(TEXTS)[0].square().mean().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


@torch.no_grad()
def test_a_decoder_that_does_more_than_run_its_layers_is_run_whole(model):
    """Some families scale what comes in as embeddings: then the halves do not fit and the plain path is taken."""
    decoder = model.get_decoder()
    decoder.register_forward_pre_hook(_scale_embeddings, with_kwargs=True)
    trunk = Trunk(model, 2)
    trunk.plan(TEXTS)
    assert trunk._works is False
    torch.testing.assert_close(trunk.logits(TEXTS)[0], Trunk(model, 2).logits(TEXTS)[0])


def _scale_embeddings(_, args, kwargs):
    if kwargs.get("inputs_embeds") is not None:
        kwargs["inputs_embeds"] = kwargs["inputs_embeds"] * 8.0
    return args, kwargs


def test_too_many_texts_are_not_kept(model, monkeypatch):
    monkeypatch.setattr(lower, "MOST_BYTES", 1000)
    trunk = Trunk(model, 2)
    trunk.plan(TEXTS)
    trunk.logits(TEXTS)
    assert not trunk._states
