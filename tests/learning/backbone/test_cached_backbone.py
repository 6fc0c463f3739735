import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adaptation
from abreast.learning.backbone import cached_backbone as lower
from abreast.learning.backbone.adapter import adapter_weights, add_adapter
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded

MARK = (60, 61)
LORA = make_adaptation({"method": "lora"})
TEXTS = [
    Encoded((5, *MARK, 7, 8), 3, 1),
    Encoded((9, 8, *MARK, 6, 5, 4, 3), 4, 2),
    Encoded((11, 12, *MARK, 13, 14), 4, 2),
    Encoded((1, 2, 3, *MARK, 4), 5, 3),
    Encoded((*MARK, 15, 16), 2, 0),
]


@pytest.fixture
def adapted(tiny_base):
    """The tiny base with an adapter that changes something in its two upper layers."""
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    adapted = add_adapter(base, LORA.settings(base, 2), "tiny", trainable=True)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in (p for p in adapted.parameters() if p.requires_grad):
            parameter.normal_(std=0.1)
    return adapted


def trunk_of(adapted, upper: int = 2) -> Trunk:
    return Trunk(adapted.get_base_model(), upper, adapted.disable_adapter)


@torch.no_grad()
def stock_logits(adapted, tiny_base, text: Encoded) -> torch.Tensor:
    """The logits at the completion of `text` by PEFT's own Activated LoRA."""
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    settings = {**LORA.settings(base, 2).to_dict(), "alora_invocation_tokens": list(MARK)}
    stock = get_peft_model(base, LoraConfig(**settings), adapter_name="stock").eval()
    set_peft_model_state_dict(stock, adapter_weights(adapted, "tiny"), adapter_name="stock")
    return stock(input_ids=torch.tensor([text.ids])).logits[0, text.prompt - 1 : -1]


@torch.no_grad()
def test_what_is_kept_gives_the_plain_logits(adapted):
    planned, plain = trunk_of(adapted), trunk_of(adapted)
    planned.plan(TEXTS)
    assert planned._works
    for found, wanted in zip(planned.logits(TEXTS), plain.logits(TEXTS), strict=True):
        torch.testing.assert_close(found.float(), wanted.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("text", TEXTS)
def test_logits_are_those_of_pefts_activated_lora(adapted, tiny_base, text):
    with torch.no_grad():
        logits, targets, owner = trunk_of(adapted).logits([text])
    wanted = stock_logits(adapted, tiny_base, text)
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-4)
    assert targets.tolist() == list(text.completion)
    assert owner.tolist() == [0] * len(text.completion)


@torch.no_grad()
def test_before_the_mark_and_when_asleep_the_base_alone_speaks(adapted):
    trunk, awake = trunk_of(adapted), Encoded((9, 8, 7, 6, 5), 2, 1)
    plain = trunk_of(adapted)
    with trunk.asleep(), trunk.asleep():
        base = trunk.logits([awake])[0]
    with adapted.disable_adapter():
        torch.testing.assert_close(base, adapted(torch.tensor([awake.ids])).logits[0, 1:-1])
    assert not torch.allclose(plain.logits([awake])[0], base, atol=1e-3)


def test_lower_layers_and_prompts_run_once(adapted, monkeypatch):
    trunk, runs = trunk_of(adapted), []
    trunk.plan(TEXTS)
    once = trunk._make
    monkeypatch.setattr(trunk, "_make", lambda chunk: runs.append(len(chunk)) or once(chunk))
    for _ in range(3):
        trunk.logits(TEXTS)
    assert sum(runs) == len(TEXTS)


def test_gradients_reach_the_adapter_and_are_the_plain_ones(adapted):
    grads = []
    for planned in (True, False):
        trunk = trunk_of(adapted)
        if planned:
            trunk.plan(TEXTS)
        adapted.zero_grad()
        trunk.logits(TEXTS)[0].square().mean().backward()
        grads.append([p.grad.clone() for p in adapted.parameters() if p.requires_grad])
    for kept, plain in zip(*grads, strict=True):
        torch.testing.assert_close(kept, plain, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_a_decoder_that_does_more_than_run_its_layers_is_run_whole(adapted):
    """Some families scale what comes in as embeddings: then the halves do not fit and the plain path is taken."""
    adapted.get_base_model().get_decoder().register_forward_pre_hook(_scale_embeddings, with_kwargs=True)
    trunk = trunk_of(adapted)
    trunk.plan(TEXTS)
    assert trunk._works is False
    torch.testing.assert_close(trunk.logits(TEXTS)[0], trunk_of(adapted).logits(TEXTS)[0])


def _scale_embeddings(_, args, kwargs):
    if kwargs.get("inputs_embeds") is not None:
        kwargs["inputs_embeds"] = kwargs["inputs_embeds"] * 8.0
    return args, kwargs


def test_too_many_texts_are_not_kept(adapted, monkeypatch):
    monkeypatch.setattr(lower, "MOST_BYTES", 1000)
    trunk = trunk_of(adapted)
    trunk.plan(TEXTS)
    trunk.logits(TEXTS)
    assert not trunk._kept
