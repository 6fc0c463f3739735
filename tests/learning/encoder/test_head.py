import math

import pytest
import torch

from abreast.learning.backbone.protocols import Head
from abreast.learning.encoder.head import LabelHead, extend_rows

HIDDEN = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
LABEL, NUMBER = 1.0, 3.0
COUNTS = {"classification": 3, "regression": 1}


def head(parent_rows: dict[str, int] | None = None) -> LabelHead:
    """Logits of the three labels are x, y and 0; the number is x + y - 1."""
    rows = extend_rows(COUNTS, 2, {})
    with torch.no_grad():
        rows["classification.weight"].copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
        rows["regression.weight"].fill_(1.0)
        rows["regression.bias"].fill_(-1.0)
    return LabelHead(rows, parent_rows)


def test_earlier_rows_stay_bit_for_bit_and_new_rows_are_zero():
    before = {"classification.weight": torch.randn(2, 5), "classification.bias": torch.randn(2)}
    rows = extend_rows({"classification": 4}, 5, before)
    for name, old in before.items():
        assert torch.equal(rows[name][:2], old)
        assert not rows[name][2:].any()


def test_losses_by_hand_a_softmax_for_labels_and_a_square_for_numbers():
    targets = torch.tensor([[LABEL, 0.0], [NUMBER, 0.5], [NUMBER, 1.05]])
    hits, losses = head().score(HIDDEN, targets)
    assert losses.tolist() == pytest.approx([math.log((math.e + 2) / math.e), 0.25, 0.0025], rel=1e-4)
    assert hits.tolist() == [True, False, True]
    assert head().is_confident(losses, targets, 0.9).tolist() == [False, False, True]
    assert head().is_confident(losses, targets, 0.5).tolist() == [True, False, True]


def test_only_rows_of_the_kinds_in_a_batch_get_gradients():
    one = head()
    one.losses(HIDDEN[:1], torch.tensor([[LABEL, 2.0]])).sum().backward()
    grads = {name: parameter.grad is not None for name, parameter in one.parameters.items()}
    assert grads == {
        "heads.classification.weight": True,
        "heads.classification.bias": True,
        "heads.regression.weight": False,
        "heads.regression.bias": False,
    }


def test_only_the_rows_of_the_parent_are_used_for_distillation():
    targets = torch.tensor([[LABEL, 1.0], [LABEL, 1.0], [NUMBER, 3.0]])
    teacher = head({"classification": 2, "regression": 1})
    recorded = teacher.top_k_logits(HIDDEN, targets, top_k=5)
    assert teacher.matches(recorded, targets).tolist() == [False, True, False]
    assert teacher.divergence(HIDDEN, targets, recorded).tolist() == pytest.approx([0.0, 0.0, 0.0])
    student = head({"classification": 2, "regression": 1})
    with torch.no_grad():
        student.rows["classification.bias"].copy_(torch.tensor([0.0, 1.0, 50.0]))
        student.rows["regression.bias"].add_(0.5)
    p, q = (1 / (1 + math.exp(-1)), 0.5)
    by_hand = p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    found = student.divergence(HIDDEN[[0, 2]], targets[[0, 2]], tuple(part[[0, 2]] for part in recorded))
    assert found.tolist() == pytest.approx([by_hand, 0.25], rel=1e-4), "the third row is not among the teacher's logits"


def test_labels_that_the_parent_did_not_have_are_not_distilled():
    targets = torch.tensor([[LABEL, 1.0], [NUMBER, 3.0]])
    recorded = head().top_k_logits(HIDDEN[:2], targets, top_k=4)
    assert not head().matches(recorded, targets).any()
    assert head().divergence(HIDDEN[:2] * 7, targets, recorded).tolist() == [0.0, 0.0]


def test_samples_follow_the_heads_distribution():
    generator = torch.Generator().manual_seed(0)
    hidden = HIDDEN[:1].expand(4000, -1)
    labels = head().sample(hidden, torch.tensor([[LABEL, 2.0]]).expand(4000, -1), generator)
    assert (labels[:, 1] == 0).float().mean().item() == pytest.approx(math.e / (math.e + 2), abs=0.03)
    numbers = head().sample(hidden, torch.tensor([[NUMBER, 9.0]]).expand(4000, -1), generator)[:, 1]
    assert numbers.mean().item() == pytest.approx(0.0, abs=0.05)
    assert numbers.var().item() == pytest.approx(0.5, abs=0.05)
    assert isinstance(head().restrict_to(None, ()), LabelHead)
    assert all(hasattr(LabelHead, name) for name in vars(Head) if not name.startswith("_"))
