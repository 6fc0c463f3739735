import pytest
import torch

from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.methods.ewc import EWC, fisher_diagonal
from tests.learning.methods.linear_run import STEP, LinearBackbone, move, run_of

HEAD = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]])
X = torch.tensor([1.5, -0.5])
WEIGHT = torch.tensor([0.4, 0.8])


def linear_run(texts: int, **more):
    examples = [TokenizedExample((5, text), 1, 0) for text in range(texts)]
    return run_of({"w": WEIGHT}, examples=examples, backbone=lambda own: LinearBackbone(own["w"], X, HEAD), **more)


def hand_computed() -> torch.Tensor:
    """d log p_y / d w_i = x_i (H_yi - sum_k p_k H_ki), so F_i = x_i^2 (sum_y p_y H_yi^2 - (sum_y p_y H_yi)^2)."""
    scores = [1 * 0.6, 2 * -0.4, -0.6 - 0.4]
    p = torch.tensor(scores).exp() / torch.tensor(scores).exp().sum()
    mean = p[0] * HEAD[0] + p[1] * HEAD[1] + p[2] * HEAD[2]
    square = p[0] * HEAD[0] ** 2 + p[1] * HEAD[1] ** 2 + p[2] * HEAD[2] ** 2
    return X**2 * (square - mean**2)


def test_the_fisher_diagonal_equals_the_hand_computed_one():
    found = fisher_diagonal(linear_run(4000), 4000, seed=0)["w"]
    torch.testing.assert_close(found, hand_computed(), rtol=0.06, atol=0.0)


def test_sampling_is_seeded_and_uses_at_most_so_many_examples():
    run = linear_run(10)
    texts_run = []
    whole = run.backbone.completion_states
    run.backbone.completion_states = lambda texts: texts_run.extend(texts) or whole(texts)
    first = fisher_diagonal(run, 4, seed=0)["w"]
    assert texts_run == [run.examples[0], run.examples[3], run.examples[6], run.examples[9]]
    assert torch.equal(fisher_diagonal(run, 4, seed=0)["w"], first)
    assert not torch.equal(fisher_diagonal(run, 4, seed=1)["w"], first)


def test_the_loss_is_quadratic_around_the_start_scaled_by_the_fisher_diagonal():
    run = run_of({"w": WEIGHT}, inherited_state={"ewc/w": torch.tensor([3.0, 0.5])})
    ewc = EWC(EWC.Knobs(weight=10.0))
    ewc.on_train_begin(run)
    assert ewc.extra_loss(run, STEP) == 0
    move(run, {"w": torch.tensor([0.2, -0.4])})
    penalty = ewc.extra_loss(run, STEP)
    assert penalty.item() == pytest.approx(10 / 2 * (3.0 * 0.2**2 + 0.5 * 0.4**2))
    penalty.backward()
    torch.testing.assert_close(run.parameters["w"].grad, 10 * torch.tensor([3.0 * 0.2, 0.5 * -0.4]))


def test_the_fisher_diagonal_is_carried_decayed_and_unchanged_without_examples():
    before = torch.tensor([3.0, 0.5])
    for texts in (6, 0):
        run = linear_run(texts, inherited_state={"ewc/w": before})
        ewc = EWC(EWC.Knobs(decay=0.5))
        ewc.on_train_begin(run)
        ewc.on_train_end(run, None)
        wanted = 0.5 * before + fisher_diagonal(run, 64, 0)["w"] if texts else before
        assert torch.equal(run.carried_state["ewc/w"], wanted)


def test_a_first_training_has_no_penalty():
    run = linear_run(3, parent=False)
    ewc = EWC(EWC.Knobs())
    ewc.on_train_begin(run)
    move(run, {"w": torch.ones(2)})
    assert ewc.extra_loss(run, STEP) == 0
    ewc.on_train_end(run, None)
    assert torch.equal(run.carried_state["ewc/w"], fisher_diagonal(run, 64, 0)["w"])


def test_rows_added_since_have_no_penalty():
    run = run_of(
        {"w": torch.ones(3, 2), "b": torch.zeros(3)},
        inherited_state={"ewc/w": torch.ones(2, 2), "ewc/b": torch.ones(1)},
    )
    ewc = EWC(EWC.Knobs(weight=2.0))
    ewc.on_train_begin(run)
    move(run, {"w": torch.tensor([[0.0, 0.0], [0.0, 3.0], [9.0, 9.0]]), "b": torch.tensor([0.0, 5.0, 5.0])})
    assert ewc.extra_loss(run, STEP).item() == pytest.approx(9.0)
