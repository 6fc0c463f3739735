from pathlib import Path

import pytest

from abreast.core.settings import Evaluate, load_params
from abreast.evaluation.mistyped import accuracy_with_typos
from abreast.inference.predictor import load_answerers
from abreast.learning.trainer import train
from tests.learning.project import FACTS, question, write_project


def test_questions_are_asked_again_with_typing_errors(tmp_path, tiny_base, monkeypatch):
    """A model that knows four facts by their questions' last letter, which no error changes, answers as before."""
    monkeypatch.chdir(write_project(tmp_path, tiny_base))
    train.main()
    answerers = load_answerers({"base": None, "candidate": Path("model")}, load_params().model)
    asked = [question(key, value) for key, value in FACTS.items()]
    asked.append(question("t", "all of it", kind="text"))
    assert accuracy_with_typos(answerers, asked, Evaluate()) == {}
    figure = accuracy_with_typos(answerers, asked, Evaluate(typo_rate=1e-9))["accuracy_with_typos"]
    assert (figure.candidate, figure.champion, figure.n) == (1.0, None, 4), "hardly ever an error"
    champion = {"candidate": answerers["base"], "champion": answerers["candidate"]}
    figure = accuracy_with_typos(champion, asked, Evaluate(typo_rate=1e-9))["accuracy_with_typos"]
    assert (figure.candidate, figure.champion) == (0.0, 1.0)
    spoilt = accuracy_with_typos(answerers, asked, Evaluate(typo_rate=0.5))["accuracy_with_typos"]
    assert spoilt.candidate < 1.0
    with pytest.raises(ValueError, match="typo_rate"):
        Evaluate(typo_rate=1.5)
