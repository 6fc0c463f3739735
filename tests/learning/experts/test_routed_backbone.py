import copy

import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adaptation
from abreast.learning.backbone.adapter import activate, add_adapter
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoder
from abreast.learning.experts.cached_router import Desk
from abreast.learning.experts.routed_backbone import ByExpert, Voices
from abreast.learning.experts.router import Router

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def team(tiny_base):
    """Two experts that differ, their model and their trunk; "v…" is for one, "w…" for the other."""
    model, tokenizer, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    settings = make_adaptation({"method": "lora", "rank": 4}).settings(model, 2)
    for name in NAMES:
        model = add_adapter(model, copy.deepcopy(settings), name)
    base = model.get_base_model()
    parameters = {path: p for path, p in base.named_parameters() if "lora_" in path}
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter += 0.2 * torch.randn_like(parameter)
    trunk, encoder = Trunk(base, 2, model.disable_adapter), Encoder(tokenizer, "{question}:")
    taught = {n: [encoder.pair(f"{letter} {w}", "1") for w in "abc"] for n, letter in enumerate("vw")}
    router = Router.empty(64).learned(2, {number: trunk.prompts(texts) for number, texts in taught.items()})
    desk = Desk(trunk, encoder, {"one": "v", "two": "w"}, router)
    return model, trunk, ByExpert(trunk, Voices(model, parameters), desk), encoder, parameters


def alone(team, name, text):
    model, trunk, *_ = team
    activate(model, name)
    return trunk.logits([text])[0]


@torch.no_grad()
def test_each_text_is_run_by_its_own_expert_whatever_stands_beside_it(team):
    _, _, by_expert, encoder, _ = team
    texts = [encoder.pair(*pair) for pair in (("w d", "12"), ("v d", "3"), ("w efg", "4"), ("v h", "567"))]
    logits, targets, owner = by_expert.logits(texts)
    assert owner.tolist() == [n for n, text in enumerate(texts) for _ in text.completion]
    assert targets.tolist() == [token for text in texts for token in text.completion]
    for number, (text, name) in enumerate(zip(texts, ("two", "one", "two", "one"), strict=True)):
        torch.testing.assert_close(logits[owner == number], alone(team, name, text), rtol=1e-4, atol=1e-4)
    other = alone(team, "one", texts[0])
    assert not torch.allclose(logits[owner == 0], other, atol=1e-2), "they differ"
    with by_expert.only("one"):
        torch.testing.assert_close(by_expert.logits(texts[:1])[0], other, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_what_was_planned_comes_to_the_same_and_asleep_the_base_speaks(team):
    _, trunk, by_expert, encoder, _ = team
    texts = [encoder.pair(*pair) for pair in (("w kl", "12"), ("v mn", "3"))]
    whole = by_expert.logits(texts)[0]
    by_expert.plan(texts)
    assert trunk.keeps(texts)
    torch.testing.assert_close(by_expert.logits(texts)[0], whole, rtol=1e-4, atol=1e-4)
    fresh = Trunk(trunk.model, 2, team[0].disable_adapter)
    torch.testing.assert_close(fresh.prompts(texts), trunk.prompts(texts), rtol=1e-4, atol=1e-5)
    with by_expert.asleep(), by_expert.asleep():
        base = by_expert.logits(texts)[0]
    with trunk.asleep():
        torch.testing.assert_close(base, trunk.logits(texts)[0])
    assert not torch.allclose(base, whole, atol=1e-2)


def test_gradients_of_a_mixed_batch_reach_both_experts_and_are_those_of_each_alone(team):
    model, trunk, by_expert, encoder, parameters = team
    texts = [encoder.pair(*pair) for pair in (("w pq", "12"), ("v rst", "3"))]
    by_expert.plan(texts)
    shift = by_expert.shift(texts)
    hidden, _, owner = by_expert.completions(texts, shift)
    slopes = torch.autograd.grad(hidden.square().sum(), [*parameters.values(), shift])
    *mixed, shifted = slopes
    mixed = dict(zip(parameters, mixed, strict=True))
    assert sum(slope.abs().sum() > 0 for slope in mixed.values()) > len(mixed) / 2
    for number, name in enumerate(("two", "one")):
        activate(model, name, trainable=True)
        own = {path: p for path, p in parameters.items() if f".{name}." in path}
        lone = trunk.shift(texts[number : number + 1])
        states = trunk.completions(texts[number : number + 1], lone)[0]
        *wanted, read = torch.autograd.grad(states.square().sum(), [*own.values(), lone])
        for path, slope in zip(own, wanted, strict=True):
            torch.testing.assert_close(mixed[path], slope, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(shifted[number, -read.shape[1] :], read[0], rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_what_is_assigned_is_not_asked_for_and_takes_along_what_is_not(team):
    _, _, by_expert, encoder, _ = team
    mine, added = encoder.pair("v uvw", "12"), encoder.as_answer((9, 8, 7))
    by_expert.assign([mine], ["two"])
    logits, _, owner = by_expert.logits([mine, added])
    torch.testing.assert_close(logits[owner == 0], alone(team, "two", mine), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(logits[owner == 1], alone(team, "two", added), rtol=1e-4, atol=1e-4)
