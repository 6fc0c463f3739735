from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.tuning.attempt import Attempt, objective
from tests.tuning.stage import CHECKS, share

LOSS = st.floats(0, 1e6)


@given(st.integers(1, 500), st.data())
def test_one_more_right_answer_counts_more_than_any_loss(questions, data):
    fewer, more = sorted(data.draw(st.tuples(st.integers(0, questions), st.integers(0, questions))))
    poor, good = data.draw(LOSS), data.draw(LOSS)
    worse = {"dev_exact_match": fewer / questions, "dev_loss": good}
    better = {"dev_exact_match": more / questions, "dev_loss": poor}
    if fewer < more:
        assert objective(worse, questions) <= objective(better, questions)
    elif good < poor:
        assert objective(worse, questions) >= objective(better, questions)


def test_a_loss_that_is_no_number_is_the_worst():
    ruined = objective({"dev_exact_match": 0.5, "dev_loss": float("nan")}, 10)
    assert ruined < objective({"dev_exact_match": 0.5, "dev_loss": 1e9}, 10)


def test_every_check_is_told_and_the_knobs_lie_over_params_yaml(project, prepared):
    told = []
    attempt = Attempt(project, prepared, 0)
    summary = attempt.run({"train.learning_rate": 0.02}, lambda check: told.append(check) or True)
    assert summary == {"stopped": "train.epochs reached (4)"}
    assert [check["dev_exact_match"] for check in told] == [share(0.02, n) for n in range(1, CHECKS + 1)]
    laid = yaml.safe_load((attempt.folder / "params.yaml").read_text())
    assert (laid["train"]["learning_rate"], laid["train"]["epochs"]) == (0.02, project.params.train.epochs)
    assert (attempt.folder / "snapshot.json").is_symlink()
    attempt.clear()
    assert [path.name for path in attempt.folder.parent.iterdir()] == ["0000.log"]


def test_what_is_to_be_stopped_gives_no_summary(project, prepared):
    assert Attempt(project, prepared, 1).run({"train.learning_rate": 0.02}, lambda check: False) == {}


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"train.learning_rate": 0.9}, "train.learning_rate: too high for this stage"),
        ({"train.patience": 13}, "out of patience"),
        ({"train.patience": 14}, "its process was killed"),
        ({"train.learning_rate": -1.0}, "the trial's knobs: knob `train.learning_rate` is -1.0"),
    ],
)
def test_a_refused_training_says_why(project, prepared, knobs, said):
    with pytest.raises(AbreastError, match=said):
        Attempt(project, prepared, 2).run(knobs, lambda check: True)


def test_a_stage_ends_with_the_one_who_stopped_it(project, tmp_path: Path):
    from abreast.tuning.process import running

    with running(project, "sleep 600 & sleep 600", tmp_path, tmp_path / "log") as process:
        assert process.poll() is None
    assert process.returncode == -9
