from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.tuning.trial_training import TrialTraining, objective
from tests.tuning.fake_train_stage import CHECKS, share

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


def test_every_row_of_the_curve_is_passed_on_and_the_knobs_replace_those_of_params_yaml(project, prepared):
    rows = []
    training = TrialTraining(project, prepared, 0)
    summary = training.run({"train.learning_rate": 0.02}, lambda row: rows.append(row) or True)
    assert summary == {"stopped": "train.epochs reached (4)"}
    assert [row["dev_exact_match"] for row in rows] == [share(0.02, n) for n in range(1, CHECKS + 1)]
    written = yaml.safe_load((training.folder / "params.yaml").read_text())
    assert (written["train"]["learning_rate"], written["train"]["epochs"]) == (0.02, project.params.train.epochs)
    assert (training.folder / "snapshot.json").is_symlink()
    training.clear()
    assert [path.name for path in training.folder.parent.iterdir()] == ["0000.log"]


def test_a_stopped_training_gives_no_summary(project, prepared):
    assert TrialTraining(project, prepared, 1).run({"train.learning_rate": 0.02}, lambda row: False) == {}


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"train.learning_rate": 0.9}, "train.learning_rate: too high for this stage"),
        ({"train.patience": 13}, "out of patience"),
        ({"train.patience": 14}, "its process was killed"),
        ({"train.learning_rate": -1.0}, "the trial's knobs: knob `train.learning_rate` is -1.0"),
    ],
)
def test_a_failed_training_gives_the_reason(project, prepared, knobs, message):
    with pytest.raises(AbreastError, match=message):
        TrialTraining(project, prepared, 2).run(knobs, lambda row: True)


def test_leaving_the_block_kills_the_stage_and_its_children(project, tmp_path: Path):
    from abreast.tuning.stage_process import stage_process

    with stage_process(project, "sleep 600 & sleep 600", tmp_path, tmp_path / "log") as process:
        assert process.poll() is None
    assert process.returncode == -9
