from pathlib import Path

import pytest

from abreast.core.settings import Evaluate, load_params
from abreast.evaluation.mistyped import mistyped_figure, robustness_by_model
from abreast.evaluation.session import EvaluatedModels
from abreast.inference.load import load_predictors
from abreast.learning.trainer import train
from abreast.metrics.robustness import Robustness
from tests.learning.project import FACTS, question, write_project


def test_questions_are_asked_again_with_typing_errors(tmp_path, tiny_base, monkeypatch):
    """A model that knows four facts by their questions' last letter, which no error changes, answers as before."""
    monkeypatch.chdir(write_project(tmp_path, tiny_base))
    train.main()
    predictors = load_predictors({"base": None, "candidate": Path("model")}, load_params().model)
    asked = [question(key, value) for key, value in FACTS.items()]
    asked.append(question("t", "all of it", kind="text"))
    knows, knows_nothing = [*FACTS.values(), ""], [""] * 5

    def robustness(rate: float, **by_name: str) -> dict:
        models = EvaluatedModels({name: predictors[which] for name, which in by_name.items()}, {})
        answers = {name: knows if which == "candidate" else knows_nothing for name, which in by_name.items()}
        return robustness_by_model(models, asked, answers, Evaluate(typo_rate=rate))

    assert robustness(0.0, candidate="candidate") == {}
    assert mistyped_figure(asked, {}) == {}
    found = robustness(1e-9, candidate="candidate")
    assert found == {"candidate": Robustness(clean=1.0, noisy=1.0)}, "hardly ever an error"
    figure = mistyped_figure(asked, found)["accuracy_with_typos"]
    assert (figure.candidate, figure.champion, figure.n) == (1.0, None, 4)
    figure = mistyped_figure(asked, robustness(1e-9, candidate="base", champion="candidate"))["accuracy_with_typos"]
    assert (figure.candidate, figure.champion) == (0.0, 1.0)
    assert robustness(0.5, candidate="candidate")["candidate"].drop > 0
    with pytest.raises(ValueError, match="typo_rate"):
        Evaluate(typo_rate=1.5)
