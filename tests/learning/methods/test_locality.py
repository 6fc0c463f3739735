import pytest
import torch

from abreast.learning.methods.locality import ANSWER_TOKENS, Locality
from abreast.learning.methods.protocol import TrainingStep
from tests.learning.methods.tiny_training import make_run, shake, step_of

WEIGHT = 3.0


@pytest.fixture
def run(tiny_base):
    return make_run(tiny_base)


@pytest.fixture
def method(run) -> Locality:
    method = Locality(Locality.Knobs(weight=WEIGHT, questions=2))
    method.on_train_begin(run)
    return method


def step_with(run, method: Locality) -> TrainingStep:
    """One forward pass over the examples and the texts that the method adds."""
    losses = step_of(run).losses
    texts = [*run.examples, *method.extra_batch(run)]
    return TrainingStep(texts, len(run.examples), *run.backbone.completion_states(texts), losses)


def test_the_loss_is_zero_at_the_base_and_else_the_relative_squared_distance(run, method):
    assert method.extra_loss(run, step_with(run, method)).item() == pytest.approx(0.0, abs=1e-9)
    with run.backbone.adapter_disabled():
        base = run.backbone.completion_states(method.extra_batch(run))[0]
    shake(run)
    own = run.backbone.completion_states(method.extra_batch(run))[0]
    assert len(own) == 2 * ANSWER_TOKENS
    by_hand = WEIGHT * (own - base).square().sum() / base.square().sum()
    assert method.extra_loss(run, step_with(run, method)).item() == pytest.approx(by_hand.item(), rel=1e-4)
    assert by_hand > 1e-3


def test_all_questions_are_used_in_turn(run, method):
    seen = set()
    for run.steps in range(100):
        seen.update(method.extra_batch(run))
    assert seen == set(method._questions)
    assert len(seen) > 150


def test_an_encoder_has_no_unrelated_questions(run):
    method = Locality(Locality.Knobs())
    run.backbone.model.config.model_type = "bert"
    method.on_train_begin(run)
    assert method.extra_batch(run) == []
    assert torch.equal(method.extra_loss(run, step_of(run)), torch.zeros(()))
