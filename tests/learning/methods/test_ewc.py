import pytest
import torch

from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.methods.ewc import EWC, fisher_diagonal
from tests.learning.methods.plain import STEP, LinearTrunk, move, run_of

HEAD = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]])
X = torch.tensor([1.5, -0.5])
WEIGHT = torch.tensor([0.4, 0.8])


def linear_run(texts: int, **more):
    examples = [Encoded((5, text), 1, 0) for text in range(texts)]
    return run_of({"w": WEIGHT}, examples=examples, trunk=lambda own: LinearTrunk(own["w"], X, HEAD), **more)


def hand_worked() -> torch.Tensor:
    """d log p_y / d w_i = x_i (H_yi - sum_k p_k H_ki), so F_i = x_i^2 (sum_y p_y H_yi^2 - (sum_y p_y H_yi)^2)."""
    scores = [1 * 0.6, 2 * -0.4, -0.6 - 0.4]
    p = torch.tensor(scores).exp() / torch.tensor(scores).exp().sum()
    mean = p[0] * HEAD[0] + p[1] * HEAD[1] + p[2] * HEAD[2]
    square = p[0] * HEAD[0] ** 2 + p[1] * HEAD[1] ** 2 + p[2] * HEAD[2] ** 2
    return X**2 * (square - mean**2)


def test_the_fisher_is_the_hand_worked_one():
    found = fisher_diagonal(linear_run(4000), 4000, seed=0)["w"]
    torch.testing.assert_close(found, hand_worked(), rtol=0.06, atol=0.0)


def test_sampling_repeats_itself_and_takes_at_most_so_many_lessons():
    run = linear_run(10)
    asked = []
    whole = run.trunk.completions
    run.trunk.completions = lambda texts: asked.extend(texts) or whole(texts)
    first = fisher_diagonal(run, 4, seed=0)["w"]
    assert asked == [run.examples[0], run.examples[3], run.examples[6], run.examples[9]]
    assert torch.equal(fisher_diagonal(run, 4, seed=0)["w"], first)
    assert not torch.equal(fisher_diagonal(run, 4, seed=1)["w"], first)


def test_the_penalty_is_quadratic_about_the_start_each_weight_by_its_fisher():
    run = run_of({"w": WEIGHT}, memory={"ewc/w": torch.tensor([3.0, 0.5])})
    ewc = EWC(EWC.Knobs(weight=10.0))
    ewc.begin(run)
    assert ewc.penalty(run, STEP) == 0
    move(run, {"w": torch.tensor([0.2, -0.4])})
    penalty = ewc.penalty(run, STEP)
    assert penalty.item() == pytest.approx(10 / 2 * (3.0 * 0.2**2 + 0.5 * 0.4**2))
    penalty.backward()
    torch.testing.assert_close(run.parameters["w"].grad, 10 * torch.tensor([3.0 * 0.2, 0.5 * -0.4]))


def test_the_fisher_goes_on_decayed_and_is_left_alone_when_nothing_was_learned():
    before = torch.tensor([3.0, 0.5])
    for texts in (6, 0):
        run = linear_run(texts, memory={"ewc/w": before})
        ewc = EWC(EWC.Knobs(decay=0.5))
        ewc.begin(run)
        ewc.end(run, None)
        wanted = 0.5 * before + fisher_diagonal(run, 64, 0)["w"] if texts else before
        assert torch.equal(run.legacy["ewc/w"], wanted)


def test_a_first_training_is_held_by_nothing():
    run = linear_run(3, parent=False)
    ewc = EWC(EWC.Knobs())
    ewc.begin(run)
    move(run, {"w": torch.ones(2)})
    assert ewc.penalty(run, STEP) == 0
    ewc.end(run, None)
    assert torch.equal(run.legacy["ewc/w"], fisher_diagonal(run, 64, 0)["w"])


def test_of_rows_that_were_added_since_nothing_is_known_and_nothing_held():
    run = run_of(
        {"w": torch.ones(3, 2), "b": torch.zeros(3)}, memory={"ewc/w": torch.ones(2, 2), "ewc/b": torch.ones(1)}
    )
    ewc = EWC(EWC.Knobs(weight=2.0))
    ewc.begin(run)
    move(run, {"w": torch.tensor([[0.0, 0.0], [0.0, 3.0], [9.0, 9.0]]), "b": torch.tensor([0.0, 5.0, 5.0])})
    assert ewc.penalty(run, STEP).item() == pytest.approx(9.0)
