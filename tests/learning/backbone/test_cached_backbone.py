import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adapter_method
from abreast.learning.backbone import cached_backbone
from abreast.learning.backbone.adapter import adapter_weights, add_adapter
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample

INVOCATION = (60, 61)
LORA = make_adapter_method({"method": "lora"})
TEXTS = [
    TokenizedExample((5, *INVOCATION, 7, 8), 3, 1),
    TokenizedExample((9, 8, *INVOCATION, 6, 5, 4, 3), 4, 2),
    TokenizedExample((11, 12, *INVOCATION, 13, 14), 4, 2),
    TokenizedExample((1, 2, 3, *INVOCATION, 4), 5, 3),
    TokenizedExample((*INVOCATION, 15, 16), 2, 0),
]


@pytest.fixture
def peft_model(tiny_base):
    """The tiny base with a random adapter in its two top layers."""
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    peft_model = add_adapter(base, LORA.peft_config(base, 2), "tiny", trainable=True)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in (p for p in peft_model.parameters() if p.requires_grad):
            parameter.normal_(std=0.1)
    return peft_model


def backbone_of(peft_model, top_layers: int = 2) -> CachedBackbone:
    return CachedBackbone(peft_model.get_base_model(), top_layers, peft_model.disable_adapter)


@torch.no_grad()
def stock_logits(peft_model, tiny_base, text: TokenizedExample) -> torch.Tensor:
    """The logits at the completion of `text` by PEFT's own Activated LoRA."""
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    config = {**LORA.peft_config(base, 2).to_dict(), "alora_invocation_tokens": list(INVOCATION)}
    stock = get_peft_model(base, LoraConfig(**config), adapter_name="stock").eval()
    set_peft_model_state_dict(stock, adapter_weights(peft_model, "tiny"), adapter_name="stock")
    return stock(input_ids=torch.tensor([text.ids])).logits[0, text.prompt_length - 1 : -1]


@torch.no_grad()
def test_cached_activations_give_the_plain_logits(peft_model):
    planned, plain = backbone_of(peft_model), backbone_of(peft_model)
    planned.precompute(TEXTS)
    assert planned._can_split
    for found, wanted in zip(planned.logits(TEXTS), plain.logits(TEXTS), strict=True):
        torch.testing.assert_close(found.float(), wanted.float(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("text", TEXTS)
def test_logits_equal_those_of_pefts_activated_lora(peft_model, tiny_base, text):
    with torch.no_grad():
        logits, targets, owner = backbone_of(peft_model).logits([text])
    wanted = stock_logits(peft_model, tiny_base, text)
    torch.testing.assert_close(logits, wanted, rtol=1e-4, atol=1e-4)
    assert targets.tolist() == list(text.completion)
    assert owner.tolist() == [0] * len(text.completion)


@torch.no_grad()
def test_the_base_alone_computes_before_the_activation_index_and_with_the_adapter_disabled(peft_model):
    backbone, text = backbone_of(peft_model), TokenizedExample((9, 8, 7, 6, 5), 2, 1)
    plain = backbone_of(peft_model)
    with backbone.adapter_disabled(), backbone.adapter_disabled():
        base = backbone.logits([text])[0]
    with peft_model.disable_adapter():
        torch.testing.assert_close(base, peft_model(torch.tensor([text.ids])).logits[0, 1:-1])
    assert not torch.allclose(plain.logits([text])[0], base, atol=1e-3)


def test_lower_layers_and_prompts_run_once(peft_model, monkeypatch):
    backbone, runs = backbone_of(peft_model), []
    backbone.precompute(TEXTS)
    compute = backbone._cache._compute
    monkeypatch.setattr(backbone._cache, "_compute", lambda chunk: runs.append(len(chunk)) or compute(chunk))
    for _ in range(3):
        backbone.logits(TEXTS)
    assert sum(runs) == len(TEXTS)


def test_gradients_reach_the_adapter_and_equal_the_plain_ones(peft_model):
    grads = []
    for planned in (True, False):
        backbone = backbone_of(peft_model)
        if planned:
            backbone.precompute(TEXTS)
        peft_model.zero_grad()
        backbone.logits(TEXTS)[0].square().mean().backward()
        grads.append([p.grad.clone() for p in peft_model.parameters() if p.requires_grad])
    for kept, plain in zip(*grads, strict=True):
        torch.testing.assert_close(kept, plain, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_a_decoder_that_does_more_than_run_its_layers_is_not_split(peft_model):
    """Some families scale their input embeddings: then the split model differs, and all layers run."""
    peft_model.get_base_model().get_decoder().register_forward_pre_hook(_scale_embeddings, with_kwargs=True)
    backbone = backbone_of(peft_model)
    backbone.precompute(TEXTS)
    assert backbone._can_split is False
    torch.testing.assert_close(backbone.logits(TEXTS)[0], backbone_of(peft_model).logits(TEXTS)[0])


def _scale_embeddings(_, args, kwargs):
    if kwargs.get("inputs_embeds") is not None:
        kwargs["inputs_embeds"] = kwargs["inputs_embeds"] * 8.0
    return args, kwargs


def test_too_many_texts_are_not_cached(peft_model, monkeypatch):
    monkeypatch.setattr(cached_backbone, "MAX_CACHE_BYTES", 1000)
    backbone = backbone_of(peft_model)
    backbone.precompute(TEXTS)
    backbone.logits(TEXTS)
    assert not backbone._cache.computed
