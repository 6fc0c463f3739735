import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.adapters import init_from_examples, make_adapter_method
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample

WHOLE = [TokenizedExample((9, 8, 60 + n, 61, 6 * n, 5, 100 - n, 7 + n), 3, 0) for n in range(30)]
"""The adapter is active from the first token, so that their input equals that of one plain forward pass."""


def initialised(tiny_base, texts, **knobs):
    """A base whose adapter is initialised from examples, and its config."""
    base = load_base(Model(base=str(tiny_base), device="cpu"))[0]
    adapter_method = make_adapter_method({"method": "lora", **knobs})
    config = adapter_method.peft_config(base, 2)
    peft_model = add_adapter(base, config, "new", trainable=True)
    backbone = CachedBackbone(peft_model.get_base_model(), 2, peft_model.disable_adapter)
    adapter_method.init_from_examples(peft_model, backbone, texts)
    return peft_model, config


@torch.no_grad()
def test_eva_starts_with_the_main_directions_of_a_layers_input(tiny_base):
    peft_model, _ = initialised(tiny_base, WHOLE, rank=2, init="eva")
    base = load_base(Model(base=str(tiny_base), device="cpu"))[0]
    for path in ("model.layers.2.self_attn.q_proj", "model.layers.3.self_attn.o_proj", "model.layers.3.mlp.down_proj"):
        read = []
        handle = base.get_submodule(path).register_forward_hook(lambda _, given, __, to=read: to.append(given[0][0]))
        for text in WHOLE:
            base(torch.tensor([text.ids]))
        handle.remove()
        rows = torch.cat(read)
        wanted = torch.linalg.svd(rows - rows.mean(0), full_matrices=False)[2][:2]
        layer = peft_model.get_base_model().get_submodule(path)
        first = layer.lora_A["new"].weight
        torch.testing.assert_close(first @ first.T, torch.eye(2), rtol=1e-3, atol=1e-3)
        likeness = torch.linalg.svdvals(first @ wanted.T)
        assert likeness.min() > 0.95, path
        assert not layer.lora_B["new"].weight.any()


@torch.no_grad()
def test_corda_starts_and_moves_as_pefts_own_on_its_changed_base(tiny_base):
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora.config import CordaConfig
    from peft.tuners.lora.corda import preprocess_corda

    own, config = initialised(tiny_base, WHOLE, rank=4, alpha=6, init="corda")
    theirs = load_base(Model(base=str(tiny_base), device="cpu"))[0]
    words = {name: getattr(config, name) for name in ("target_modules", "layers_to_transform", "layers_pattern")}
    config = LoraConfig(r=4, lora_alpha=6, init_lora_weights="corda", corda_config=CordaConfig(), **words)
    preprocess_corda(theirs, config, lambda: [theirs(torch.tensor([text.ids])) for text in WHOLE])
    theirs, change = get_peft_model(theirs, config, adapter_name="new").eval(), torch.Generator().manual_seed(1)
    halves = trained_parameters(own)
    for name, parameter in trained_parameters(theirs).items():
        half = halves[name][:4] if "lora_A" in name else halves[name][:, :4]
        torch.testing.assert_close(half, parameter, rtol=1e-2, atol=1e-3)
        half.copy_(parameter)
        moved = 0.2 * torch.randn(parameter.shape, generator=change)
        parameter += moved
        half += moved
    asked = torch.tensor([WHOLE[0].ids])
    torch.testing.assert_close(own(asked).logits, theirs(asked).logits, rtol=1e-2, atol=1e-2)
    assert not [module for module in own.modules() if hasattr(module, "eigens")], "nothing is left behind"


def test_only_the_active_part_of_an_example_counts(tiny_base):

    active = [TokenizedExample(text.ids, 3, 2) for text in WHOLE]
    firsts = [initialised(tiny_base, texts, rank=2, init="eva")[0] for texts in (WHOLE, active)]
    path = "model.layers.2.self_attn.q_proj"
    one, other = (peft_model.get_base_model().get_submodule(path).lora_A["new"].weight for peft_model in firsts)
    assert torch.linalg.svdvals(one @ other.T).min() < 0.9


def test_what_cannot_be_begun_by_is_said(tiny_base, capsys, monkeypatch):
    peft_model, _ = initialised(tiny_base, WHOLE[:1], rank=4, init="eva")
    assert "eva: fewer than 16 tokens are learned, so the adapter starts as by default" in capsys.readouterr().out
    with pytest.raises(AbreastError, match=r"train\.peft\.rank is 40; init eva takes at most 32 for this base"):
        initialised(tiny_base, WHOLE, rank=40, init="eva")
    monkeypatch.setattr(init_from_examples, "MAX_PASSES", 1)
    with pytest.raises(AbreastError, match=r"train\.peft\.init: eva does not settle on 4 directions"):
        initialised(tiny_base, WHOLE, rank=4, init="eva")


def test_a_base_that_cannot_be_split_is_refused(tiny_base, monkeypatch):
    monkeypatch.setattr(CachedBackbone, "_check_split", lambda backbone, texts: False)
    for init in ("eva", "corda"):
        with pytest.raises(AbreastError, match=rf"train\.peft\.init is {init}, which needs a base whose top layers"):
            initialised(tiny_base, WHOLE, rank=2, init=init)
