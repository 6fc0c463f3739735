"""A tiny model that has learned four facts takes every question for one of them; held by `locality` it does not."""

from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate, Params, load_params
from abreast.evaluation.locality import locality, read_unrelated
from abreast.evaluation.session import EvaluatedModels, EvaluationSession
from abreast.inference.load import load_predictors
from abreast.learning.trainer import train
from abreast.reports.figures import Figure
from tests.learning.project import write_project

FOLDERS = {"base": None, "candidate": Path("model")}
QUESTIONS = [f"Is {number} odd?" for number in range(12)]


def learned(folder: Path, base: Path, monkeypatch, remember: list[dict]) -> dict:
    monkeypatch.chdir(write_project(folder, base, regularizers=remember))
    train.main()
    return load_predictors(FOLDERS, load_params().model)


@pytest.fixture(scope="module")
def project(tiny_base, tmp_path_factory) -> tuple[Path, dict]:
    """A folder, with the base and a candidate that has learned nothing but the facts."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("alone")
        patch.setenv("ABREAST_HOME", str(folder / "home"))
        return folder / "project", learned(folder / "project", tiny_base, patch, [])


@pytest.fixture
def alone(project, monkeypatch) -> dict:
    """The two, in their folder."""
    monkeypatch.chdir(project[0])
    return project[1]


def measured(predictors: dict, folders: dict = FOLDERS) -> Figure:
    models = EvaluatedModels(predictors, folders)
    return locality(EvaluationSession([], "text", Params()), models, QUESTIONS)["locality"]


def test_a_model_that_takes_every_question_for_a_fact_is_told_from_one_that_does_not(
    alone, tmp_path, tiny_base, monkeypatch
):
    without = measured(alone)
    held = measured(learned(tmp_path / "held", tiny_base, monkeypatch, [{"method": "locality", "weight": 4.0}]))
    assert (without.n, without.champion) == (12, None)
    assert without.candidate < held.candidate
    assert "odd?' is answered" in without.why


def test_the_base_goes_along_with_itself(alone):
    turned = {"base": alone["base"], "candidate": alone["base"], "champion": alone["candidate"]}
    figure = measured(turned, {"base": None, "candidate": None, "champion": Path("model")})
    assert (figure.candidate, figure.why) == (1.0, "")
    assert figure.champion < 1.0


def test_what_counts_ends_at_the_first_token_that_is_another(alone):
    base = alone["base"]
    said = base.generate(["Is 3 odd?"], 6)[0].ids
    assert base.agreement(["Is 3 odd?"], [said]) == [1.0]
    assert base.agreement(["Is 3 odd?"], [(*said[:3], said[3] + 1, *said[4:])]) == [pytest.approx(3 / len(said))]
    assert base.agreement(["Is 3 odd?"], [(said[0] + 1, *said[1:])]) == [0.0]


def test_without_questions_nothing_is_asked(alone):
    assert locality(EvaluationSession([], "text", Params()), EvaluatedModels(alone, FOLDERS), []) == {}


def test_the_file_has_a_question_a_line_and_one_that_is_missing_is_named(tmp_path):
    (tmp_path / "some.txt").write_text("What?\n\n  Who? \n")
    assert read_unrelated(Evaluate(unrelated_questions=str(tmp_path / "some.txt"))) == ["What?", "Who?"]
    with pytest.raises(AbreastError, match=r"^evaluate\.unrelated_questions: cannot read .*gone\.txt"):
        read_unrelated(Evaluate(unrelated_questions=str(tmp_path / "gone.txt")))
