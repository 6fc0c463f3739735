import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.adapters import make_adapter_method
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from tests.learning.methods.linear_run import move, run_of

IDS = torch.tensor([[9, 8, 60, 61, 6, 5]])


@torch.no_grad()
@pytest.mark.parametrize("init", ["pissa", "olora"])
def test_after_training_it_equals_pefts_own_on_its_changed_base(tiny_base, init):
    from peft import LoraConfig, get_peft_model

    own, theirs = (load_base(Model(base=str(tiny_base), device="cpu"))[0] for _ in range(2))
    plain = own(IDS).logits
    adapter_method = make_adapter_method({"method": "lora", "rank": 4, "alpha": 6, "init": init})
    config = adapter_method.peft_config(own, 2)
    own = add_adapter(own, config, "new", trainable=True)
    adapter_method.training_methods(own, first=True)
    torch.testing.assert_close(own(IDS).logits, plain, rtol=1e-4, atol=1e-4)
    words = {name: getattr(config, name) for name in ("target_modules", "layers_to_transform", "layers_pattern")}
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


def test_the_second_half_is_reset_after_each_step(tiny_base):
    base = load_base(Model(base=str(tiny_base), device="cpu"))[0]
    adapter_method = make_adapter_method({"method": "lora", "rank": 2, "init": "olora"})
    peft_model = add_adapter(base, adapter_method.peft_config(base, 1), "new", trainable=True)
    (resets,) = adapter_method.training_methods(peft_model, first=False)
    run = run_of({"x.lora_A.w": torch.zeros(4, 3), "x.lora_B.w": torch.zeros(3, 4)})
    move(run, {name: torch.ones_like(p) for name, p in run.parameters.items()})
    resets.on_step_end(run)
    assert run.parameters["x.lora_A.w"].tolist() == [[1.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3]
    assert run.parameters["x.lora_B.w"].tolist() == [[1.0, 1.0, 0.0, 0.0]] * 3


def test_a_rank_above_that_of_a_layer_is_refused(tiny_base):
    base = load_base(Model(base=str(tiny_base), device="cpu"))[0]
    adapter_method = make_adapter_method({"method": "lora", "rank": 40, "init": "pissa"})
    peft_model = add_adapter(base, adapter_method.peft_config(base, 1), "new", trainable=True)
    with pytest.raises(AbreastError, match=r"train\.peft\.rank is 40, but init pissa finds at most 32"):
        adapter_method.training_methods(peft_model, first=True)
