import math

import pytest
import torch

from abreast.learning.backbone.divergence import divergence
from abreast.learning.methods.distil import Distil
from tests.learning.methods.tiny_training import make_run, shake, step_of, weights


@pytest.fixture(scope="module")
def parent(tiny_base):
    run = make_run(tiny_base)
    shake(run, seed=2)
    return weights(run)


def test_the_divergence_is_zero_for_equal_models_and_else_the_hand_computed_value():
    teacher, student = torch.tensor([[math.log(4.0), 0.0]]), torch.tensor([[0.0, math.log(4.0)]])
    assert divergence(teacher, teacher + 3.0, 2.0).item() == pytest.approx(0.0, abs=1e-7)
    # At T = 1: 0.8 log(0.8 / 0.2) + 0.2 log(0.2 / 0.8). At T = 2 the odds are 2 to 1, and T squared is 4.
    assert divergence(student, teacher, 1.0).item() == pytest.approx(0.6 * math.log(4))
    assert divergence(student, teacher, 2.0).item() == pytest.approx(4 * (2 / 3 - 1 / 3) * math.log(2), rel=1e-6)
    both = divergence(torch.cat([student, teacher]), torch.cat([teacher, teacher]), 1.0)
    assert both.tolist() == pytest.approx([0.6 * math.log(4), 0.0]), "one for each position"


@pytest.mark.parametrize("teacher", ["base", "parent"])
def test_the_teacher_is_the_base_or_the_parent(tiny_base, parent, teacher):
    run = make_run(tiny_base, parent)
    distil = Distil(Distil.Knobs(teacher=teacher))
    distil.on_train_begin(run)
    at_start = distil.extra_loss(run, step_of(run)).item()
    shake(run)
    moved = distil.extra_loss(run, step_of(run)).item()
    with run.backbone.adapter_disabled():
        disabled = distil.extra_loss(run, step_of(run)).item()
    same, other = (disabled, at_start) if teacher == "base" else (at_start, disabled)
    assert same == pytest.approx(0.0, abs=1e-5)
    assert min(other, moved) > 1e-3


def test_with_all_logits_it_is_the_full_divergence(tiny_base, parent):
    run = make_run(tiny_base, parent)
    distil = Distil(Distil.Knobs(weight=0.5, temperature=2.0, top=512))
    distil.on_train_begin(run)
    teacher = run.backbone.logits(run.examples)[0].detach()
    shake(run)
    student = run.backbone.logits(run.examples)[0]
    p, q = (teacher / 2).softmax(-1), (student / 2).softmax(-1)
    wanted = 0.5 * 4 * (p * (p / q).log()).sum(-1).mean()
    torch.testing.assert_close(distil.extra_loss(run, step_of(run)), wanted, rtol=1e-3, atol=1e-6)
