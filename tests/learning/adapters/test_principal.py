import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.adapters import make_adaptation
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from tests.learning.methods.plain import move, run_of

IDS = torch.tensor([[9, 8, 60, 61, 6, 5]])


@torch.no_grad()
@pytest.mark.parametrize("init", ["pissa", "olora"])
def test_moved_from_its_start_it_is_what_pefts_own_is_on_its_changed_base(tiny_base, init):
    from peft import LoraConfig, get_peft_model

    own, theirs = (load_base(Model(base=str(tiny_base), device="cpu"))[0] for _ in range(2))
    plain = own(IDS).logits
    adaptation = make_adaptation({"method": "lora", "rank": 4, "alpha": 6, "init": init})
    settings = adaptation.settings(own, 2)
    own = add_adapter(own, settings, "new", trainable=True)
    adaptation.strategies(own, first=True)
    torch.testing.assert_close(own(IDS).logits, plain, rtol=1e-4, atol=1e-4)
    words = {name: getattr(settings, name) for name in ("target_modules", "layers_to_transform", "layers_pattern")}
    theirs = get_peft_model(theirs, LoraConfig(r=4, lora_alpha=6, init_lora_weights=init, **words), adapter_name="new")
    change = torch.Generator().manual_seed(1)
    halves = trained_parameters(own)
    for name, parameter in trained_parameters(theirs.eval()).items():
        half = halves[name][:4] if "lora_A" in name else halves[name][:, :4]
        torch.testing.assert_close(half, parameter)
        moved = 0.2 * torch.randn(parameter.shape, generator=change)
        parameter += moved
        half += moved
    torch.testing.assert_close(own(IDS).logits, theirs(IDS).logits, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(own(IDS).logits, plain, atol=1e-2)


def test_the_lower_half_is_put_back_after_each_step(tiny_base):
    base = load_base(Model(base=str(tiny_base), device="cpu"))[0]
    adaptation = make_adaptation({"method": "lora", "rank": 2, "init": "olora"})
    adapted = add_adapter(base, adaptation.settings(base, 1), "new", trainable=True)
    (holds,) = adaptation.strategies(adapted, first=False)
    run = run_of({"x.lora_A.w": torch.zeros(4, 3), "x.lora_B.w": torch.zeros(3, 4)})
    move(run, {name: torch.ones_like(p) for name, p in run.parameters.items()})
    holds.follow(run)
    assert run.parameters["x.lora_A.w"].tolist() == [[1.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]
    assert run.parameters["x.lora_B.w"].tolist() == [[1.0, 1.0, 0.0, 0.0]] * 3


def test_a_rank_that_a_layer_does_not_have_is_refused(tiny_base):
    base = load_base(Model(base=str(tiny_base), device="cpu"))[0]
    adaptation = make_adaptation({"method": "lora", "rank": 40, "init": "pissa"})
    adapted = add_adapter(base, adaptation.settings(base, 1), "new", trainable=True)
    with pytest.raises(AbreastError, match=r"train\.peft\.rank is 40, but init pissa finds no more than 32"):
        adaptation.strategies(adapted, first=True)
