import copy

import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adapter_method
from abreast.learning.backbone.adapter import activate_adapter, add_adapter
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
from abreast.learning.experts.cached_router import CachedRouter
from abreast.learning.experts.routed_backbone import AdapterSwitch, RoutedBackbone
from abreast.learning.experts.router import Router

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def team(tiny_base):
    """Two experts that differ, their model and their backbone; "v…" is for one, "w…" for the other."""
    model, tokenizer, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    config = make_adapter_method({"method": "lora", "rank": 4}).peft_config(model, 2)
    for name in NAMES:
        model = add_adapter(model, copy.deepcopy(config), name)
    base = model.get_base_model()
    parameters = {path: p for path, p in base.named_parameters() if "lora_" in path}
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter += 0.2 * torch.randn_like(parameter)
    backbone, prompt_tokenizer = (
        CachedBackbone(base, 2, model.disable_adapter),
        PromptTokenizer(tokenizer, "{question}:"),
    )
    taught = {n: [prompt_tokenizer.pair(f"{letter} {w}", "1") for w in "abc"] for n, letter in enumerate("vw")}
    router = Router.empty(64).updated(2, {number: backbone.prompt_means(texts) for number, texts in taught.items()})
    cached_router = CachedRouter(backbone, prompt_tokenizer, {"one": "v", "two": "w"}, router)
    return (
        model,
        backbone,
        RoutedBackbone(backbone, AdapterSwitch(model, parameters), cached_router),
        prompt_tokenizer,
        parameters,
    )


def alone(team, name, text):
    model, backbone, *_ = team
    activate_adapter(model, name)
    return backbone.logits([text])[0]


@torch.no_grad()
def test_each_text_runs_under_its_own_expert_in_a_mixed_batch(team):
    _, _, routed, prompt_tokenizer, _ = team
    texts = [prompt_tokenizer.pair(*pair) for pair in (("w d", "12"), ("v d", "3"), ("w efg", "4"), ("v h", "567"))]
    logits, targets, owner = routed.logits(texts)
    assert owner.tolist() == [n for n, text in enumerate(texts) for _ in text.completion]
    assert targets.tolist() == [token for text in texts for token in text.completion]
    for number, (text, name) in enumerate(zip(texts, ("two", "one", "two", "one"), strict=True)):
        torch.testing.assert_close(logits[owner == number], alone(team, name, text), rtol=1e-4, atol=1e-4)
    other = alone(team, "one", texts[0])
    assert not torch.allclose(logits[owner == 0], other, atol=1e-2), "they differ"
    with routed.using_expert("one"):
        torch.testing.assert_close(routed.logits(texts[:1])[0], other, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_precomputed_texts_give_the_same_and_disabled_experts_give_the_base(team):
    _, backbone, routed, prompt_tokenizer, _ = team
    texts = [prompt_tokenizer.pair(*pair) for pair in (("w kl", "12"), ("v mn", "3"))]
    whole = routed.logits(texts)[0]
    routed.precompute(texts)
    assert backbone.is_precomputed(texts)
    torch.testing.assert_close(routed.logits(texts)[0], whole, rtol=1e-4, atol=1e-4)
    fresh = CachedBackbone(backbone.model, 2, team[0].disable_adapter)
    torch.testing.assert_close(fresh.prompt_means(texts), backbone.prompt_means(texts), rtol=1e-4, atol=1e-5)
    with routed.adapter_disabled(), routed.adapter_disabled():
        base = routed.logits(texts)[0]
    with backbone.adapter_disabled():
        torch.testing.assert_close(base, backbone.logits(texts)[0])
    assert not torch.allclose(base, whole, atol=1e-2)


def test_gradients_of_a_mixed_batch_equal_those_of_each_expert_alone(team):
    model, backbone, routed, prompt_tokenizer, parameters = team
    texts = [prompt_tokenizer.pair(*pair) for pair in (("w pq", "12"), ("v rst", "3"))]
    routed.precompute(texts)
    perturbation = routed.input_perturbation(texts)
    hidden, _, owner = routed.completion_states(texts, perturbation)
    slopes = torch.autograd.grad(hidden.square().sum(), [*parameters.values(), perturbation])
    *mixed, shifted = slopes
    mixed = dict(zip(parameters, mixed, strict=True))
    assert sum(slope.abs().sum() > 0 for slope in mixed.values()) > len(mixed) / 2
    for number, name in enumerate(("two", "one")):
        activate_adapter(model, name, trainable=True)
        own = {path: p for path, p in parameters.items() if f".{name}." in path}
        lone = backbone.input_perturbation(texts[number : number + 1])
        states = backbone.completion_states(texts[number : number + 1], lone)[0]
        *wanted, read = torch.autograd.grad(states.square().sum(), [*own.values(), lone])
        for path, slope in zip(own, wanted, strict=True):
            torch.testing.assert_close(mixed[path], slope, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(shifted[number, -read.shape[1] :], read[0], rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_assigned_texts_are_not_routed_and_decide_for_unassigned_ones(team):
    _, _, routed, prompt_tokenizer, _ = team
    mine, added = prompt_tokenizer.pair("v uvw", "12"), prompt_tokenizer.as_completion((9, 8, 7))
    routed.assign([mine], ["two"])
    logits, _, owner = routed.logits([mine, added])
    torch.testing.assert_close(logits[owner == 0], alone(team, "two", mine), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(logits[owner == 1], alone(team, "two", added), rtol=1e-4, atol=1e-4)
