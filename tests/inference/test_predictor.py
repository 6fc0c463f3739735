"""A tiny model that has learned four facts, and the probabilities of its answers."""

from pathlib import Path

import pytest

from abreast.core.settings import load_params
from abreast.inference.load import load_predictor
from abreast.learning.trainer import train
from tests.learning.project import FACTS, write_project


@pytest.fixture
def model(tmp_path, tiny_base, monkeypatch):
    monkeypatch.chdir(write_project(tmp_path, tiny_base))
    train.main()
    return load_predictor(Path("model"), load_params().model)


def test_a_confirmed_guess_has_the_probability_of_the_generated_answer(model):
    questions, guesses = [f"value of {key}" for key in FACTS], [(value,) for value in FACTS.values()]
    generated, confirmed = model.predict(questions), model.predict(questions, guesses)
    assert [one.text for one in generated] == [one.text for one in confirmed] == list(FACTS.values())
    for one, other in zip(generated, confirmed, strict=True):
        assert one.probability == pytest.approx(other.probability, abs=0.011)
        assert 0.5 < one.probability <= 1.0


def test_answers_are_the_texts_of_predictions(model):
    questions = [f"value of {key}" for key in FACTS]
    assert model.answer(questions) == [one.text for one in model.predict(questions)]


def test_an_untrained_base_is_not_confident(tiny_base, model):
    base = load_predictor(None, load_params().model)
    assert all(one.probability < 0.5 for one in base.predict(["value of a"]))
