import pytest
import torch

from abreast.learning.methods.locality import BEGINNING, Locality
from abreast.learning.methods.protocol import Step
from tests.learning.methods.line import make_run, shake, step_of

WEIGHT = 3.0


@pytest.fixture
def run(tiny_base):
    return make_run(tiny_base)


@pytest.fixture
def method(run) -> Locality:
    made = Locality(Locality.Knobs(weight=WEIGHT, questions=2))
    made.begin(run)
    return made


def read(run, method: Locality) -> Step:
    """One forward pass over the lessons and what the method adds."""
    lessons = step_of(run)
    texts = [*run.examples, *method.texts(run)]
    return Step(texts, len(run.examples), *run.trunk.completions(texts), lessons.losses)


def test_nothing_at_the_base_and_else_the_distance_in_proportion_to_the_states(run, method):
    assert method.penalty(run, read(run, method)).item() == pytest.approx(0.0, abs=1e-9)
    with run.trunk.asleep():
        base = run.trunk.completions(method.texts(run))[0]
    shake(run)
    own = run.trunk.completions(method.texts(run))[0]
    assert len(own) == 2 * BEGINNING
    by_hand = WEIGHT * (own - base).square().sum() / base.square().sum()
    assert method.penalty(run, read(run, method)).item() == pytest.approx(by_hand.item(), rel=1e-4)
    assert by_hand > 1e-3


def test_all_questions_have_their_turn(run, method):
    seen = set()
    for run.steps in range(100):
        seen.update(method.texts(run))
    assert seen == set(method._asked)
    assert len(seen) > 150


def test_an_encoder_is_asked_nothing(run):
    method = Locality(Locality.Knobs())
    run.trunk.model.config.model_type = "bert"
    method.begin(run)
    assert method.texts(run) == []
    assert torch.equal(method.penalty(run, step_of(run)), torch.zeros(()))
