import pytest

from abreast.core.errors import AbreastError
from abreast.dataset.typos import typed_badly
from abreast.metrics.answers import exact_match
from abreast.metrics.robustness import Robustness, robustness

QUESTIONS = {"what is the capital of norway": "oslo", "release 42?": "yes", "when does it end": "never"}


def look_up(texts):
    """A model that only knows the questions letter for letter."""
    return exact_match(list(QUESTIONS.values()), [QUESTIONS.get(text, "") for text in texts])


def test_by_hand():
    texts = list(QUESTIONS)
    broken = sum(typed_badly(text, 0.3, 1) != text for text in texts)
    found = robustness(texts, look_up, 0.3, 1)
    assert broken > 0
    assert found == Robustness(1.0, pytest.approx(1 - broken / 3))
    assert found.drop == pytest.approx(broken / 3)


def test_without_errors_nothing_is_lost():
    assert robustness(list(QUESTIONS), look_up, 0.0, 1).drop == 0


def test_nothing_asked_is_not_zero():
    assert robustness([], lambda texts: None, 0.1, 1).drop is None


def test_errors_that_models_are_trained_on_are_not_asked():
    with pytest.raises(AbreastError, match="noise seed -1: must be 0 or more"):
        robustness(list(QUESTIONS), look_up, 0.3, -1)
