import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adapter_method
from abreast.learning.adapters.rank_allocation import orthogonality_error
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
from abreast.learning.methods.protocol import TrainingRun
from tests.learning.methods.linear_run import STEP
from tests.learning.methods.tiny_training import train
from tests.learning.project import FACTS


def adalora(tiny_base, **knobs):
    """A training before its first step, and the training methods of AdaLoRA."""
    adapter_method = make_adapter_method({"method": "adalora", "rank": 6, "target": 2, "alpha": 16} | knobs)
    model, tokenizer, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    prompt_tokenizer = PromptTokenizer(tokenizer, "Q: {question}:", activated=adapter_method.activated)
    torch.manual_seed(3)
    peft_model = add_adapter(model, adapter_method.peft_config(model, 2), "candidate", trainable=True)
    backbone = CachedBackbone(peft_model.get_base_model(), 2, peft_model.disable_adapter)
    examples = [prompt_tokenizer.pair(f"value of {key}", value) for key, value in FACTS.items()]
    return TrainingRun(
        backbone, prompt_tokenizer, trained_parameters(peft_model), False, examples
    ), adapter_method.training_methods(peft_model, True)


def test_orthonormal_rows_have_no_error_and_others_the_hand_computed_one():
    rotated = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))[0]
    assert orthogonality_error(rotated[:2]) == pytest.approx(0.0, abs=1e-5)
    assert orthogonality_error(torch.tensor([[2.0, 0.0], [0.0, 1.0]])) == pytest.approx(3.0), "4 - 1 and 1 - 1"


def test_the_loss_is_the_mean_over_all_a_and_b(tiny_base):
    run, (allocation,) = adalora(tiny_base, orthogonal=0.5)
    with torch.no_grad():
        for name, p in run.parameters.items():
            p.zero_()
            if "lora_A" in name:
                p[:, :6] = torch.eye(6)
    assert allocation.extra_loss(run, STEP).item() == pytest.approx(0.5 * 6**0.5 / 2), "A is orthonormal, B B' is zero"


def test_at_the_end_the_target_rank_is_left_on_average(tiny_base, tmp_path):
    run, methods = adalora(tiny_base)
    seen = []

    class CountRanks:
        def on_step_end(self, run):
            left = [int((p != 0).sum()) for name, p in run.parameters.items() if "lora_E" in name]
            seen.append((run.share, sum(left), len(left)))

    train(run, [*methods, CountRanks()], tmp_path, epochs=10, patience=100, skip_above_probability=1.0)
    early = [left for share, left, _ in seen if share <= 0.1]
    late = [left for share, left, _ in seen if share >= 0.7]
    assert set(early) == {6 * 14}
    assert late
    assert set(late) == {2 * 14}
