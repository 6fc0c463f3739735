import pytest
import torch

from abreast.core.settings import Model
from abreast.learning.adapters import make_adaptation
from abreast.learning.adapters.rank import spread
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoder
from abreast.learning.methods.protocol import Run
from tests.learning.methods.line import train
from tests.learning.methods.plain import STEP
from tests.learning.project import FACTS


def adalora(tiny_base, **knobs):
    """A training that is about to begin, and what AdaLoRA does in it."""
    adaptation = make_adaptation({"method": "adalora", "rank": 6, "target": 2, "alpha": 16} | knobs)
    model, tokenizer, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    encoder = Encoder(tokenizer, "Q: {question}:", sleeps=adaptation.sleeps)
    torch.manual_seed(3)
    adapted = add_adapter(model, adaptation.settings(model, 2), "candidate", trainable=True)
    trunk = Trunk(adapted.get_base_model(), 2, adapted.disable_adapter)
    examples = [encoder.pair(f"value of {key}", value) for key, value in FACTS.items()]
    return Run(trunk, encoder, trained_parameters(adapted), False, examples), adaptation.strategies(adapted, True)


def test_orthonormal_rows_have_no_spread_and_others_the_hand_worked_one():
    rotated = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(1)))[0]
    assert spread(rotated[:2]) == pytest.approx(0.0, abs=1e-5)
    assert spread(torch.tensor([[2.0, 0.0], [0.0, 1.0]])) == pytest.approx(3.0), "4 - 1 and 1 - 1"


def test_the_penalty_is_the_mean_over_all_a_and_b(tiny_base):
    run, (allocate,) = adalora(tiny_base, orthogonal=0.5)
    with torch.no_grad():
        for name, p in run.parameters.items():
            p.zero_()
            if "lora_A" in name:
                p[:, :6] = torch.eye(6)
    assert allocate.penalty(run, STEP).item() == pytest.approx(0.5 * 6**0.5 / 2), "A is orthonormal, B B' is zero"


def test_at_the_end_the_target_rank_is_left_on_average(tiny_base, tmp_path):
    run, strategies = adalora(tiny_base)
    seen = []

    class Counts:
        def follow(self, run):
            left = [int((p != 0).sum()) for name, p in run.parameters.items() if "lora_E" in name]
            seen.append((run.share, sum(left), len(left)))

    train(run, [*strategies, Counts()], tmp_path, epochs=10, patience=100, skip_above_probability=1.0)
    early = [left for share, left, _ in seen if share <= 0.1]
    late = [left for share, left, _ in seen if share >= 0.7]
    assert set(early) == {6 * 14}
    assert late
    assert set(late) == {2 * 14}
