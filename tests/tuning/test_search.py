import csv

import pytest

from abreast.tracking.mlflow_api import MlflowApi
from abreast.tuning.report import write_study_report
from abreast.tuning.results import finished_trials, rank
from abreast.tuning.search import STARTUP, Search, open_study
from abreast.tuning.space import read_space
from abreast.tuning.study_tracking import StudyTracking
from tests.lifecycle.ledgers import killed_at
from tests.tuning.fake_train_stage import CHECKS

pytestmark = pytest.mark.server
SPACE = "train.learning_rate: {low: 1e-4, high: 0.4, log: true}\ntrain.weight_decay: {low: 0.0, high: 0.1}\n"


@pytest.fixture
def client(mlflow_uri):
    with MlflowApi(mlflow_uri).client() as client:
        yield client


def search(project, prepared, mlflow_uri, space: str = SPACE, trials: int = 3):
    """Search until there are so many trials; the study."""
    (prepared.folder / "space.yaml").write_text(space)
    search_space = read_space(prepared.folder / "space.yaml", project.params)
    study = open_study(prepared, seed=17)
    with MlflowApi(mlflow_uri).client() as client:
        tracking = StudyTracking(client, "tuning", prepared.study, search_space.described())
        Search(project, search_space, prepared, study, tracking).run(trials)
    return study


def runs(client, prepared) -> tuple:
    """The study's run, and those of its trials by number."""
    experiment = [client.get_experiment_by_name("tuning").experiment_id]
    (parent,) = client.search_runs(experiment, f"tags.`abreast.study` = '{prepared.study}'")
    children = client.search_runs(experiment, f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    return parent, {int(run.data.tags["abreast.trial"]): run for run in children}


def test_each_trial_is_a_run_with_knobs_curve_and_outcome(project, prepared, mlflow_uri, client):
    study = search(project, prepared, mlflow_uri, trials=2)
    first, second = finished_trials(study)
    assert first.knobs == {"train.learning_rate": 0.003, "train.weight_decay": 0.0}, "the current knobs come first"
    parent, children = runs(client, prepared)
    assert parent.data.params["space.train.learning_rate"] == '{"low": 0.0001, "high": 0.4, "log": true}'
    assert children[1].data.params == {name: str(value) for name, value in second.knobs.items()}
    curve = client.get_metric_history(children[0].info.run_id, "dev_exact_match")
    assert [(point.step, point.value) for point in curve][-1] == (10 * CHECKS, first.dev_exact_match)
    assert children[0].data.metrics["objective"] == study.trials[0].value == first.value
    assert (children[0].info.status, children[0].data.tags["abreast.outcome"]) == ("FINISHED", "complete")


def test_a_hopeless_trial_is_stopped_and_recorded_as_pruned(project, prepared, mlflow_uri, client):
    study = search(project, prepared, mlflow_uri, trials=STARTUP + 4)
    pruned = [one for one in finished_trials(study) if one.outcome == "pruned"]
    assert pruned
    complete = [one for one in finished_trials(study) if one.outcome == "complete"]
    assert all(one.tokens == 100 * CHECKS for one in complete)
    assert all(one.tokens >= 200 for one in pruned), "the first evaluation stops none"
    assert any(one.tokens < 100 * CHECKS for one in pruned), "stopped before its end"
    assert rank(pruned + complete)[0].value == study.best_value
    run = runs(client, prepared)[1][pruned[0].number]
    assert run.data.tags["abreast.outcome"] == "pruned"
    assert run.data.metrics["checks"] == pruned[0].tokens / 100
    write_study_report(prepared.folder / "report", study, finished_trials(study), project.params)
    written = {path.name: path for path in (prepared.folder / "report").iterdir()}
    assert set(written) == {"trials.csv", "best.yaml", "history.png", "importances.png"}
    rows = list(csv.DictReader(written["trials.csv"].read_text().splitlines()))
    assert [int(row["number"]) for row in rows] == [one.number for one in rank(finished_trials(study))]
    assert written["history.png"].stat().st_size > 5000


def test_a_failed_trial_records_the_reason_and_the_search_continues(project, prepared, mlflow_uri, client):
    study = search(project, prepared, mlflow_uri, space="train.learning_rate: [0.01, 0.9]\n", trials=4)
    failed = [one for one in finished_trials(study) if one.outcome == "failed"]
    assert {one.knobs["train.learning_rate"] for one in failed} == {0.9}
    assert {one.reason for one in failed} == {"train.learning_rate: too high for this stage"}
    assert finished_trials(study)[-1].outcome == "complete" or len(failed) < 4
    run = runs(client, prepared)[1][failed[0].number]
    assert run.info.status == "FAILED"
    assert run.data.tags["abreast.reason"] == "train.learning_rate: too high for this stage"


@pytest.mark.parametrize("where", ["tune.begun", "tune.checked", "tune.ended"])
def test_a_killed_search_continues(project, prepared, mlflow_uri, client, monkeypatch, where):
    search(project, prepared, mlflow_uri, trials=1)
    killed_at(where, lambda: search(project, prepared, mlflow_uri, trials=2), monkeypatch)
    cut = open_study(prepared, seed=17).trials[1]
    assert cut.state.name == "RUNNING"
    study = search(project, prepared, mlflow_uri, trials=3)
    ended = finished_trials(study)
    assert len(ended) == 3, "a killed trial does not count"
    assert len({one.knobs["train.learning_rate"] for one in ended}) == 3, "no knobs are drawn twice"
    assert ended[1].knobs["train.weight_decay"] == float(f"{cut.params['train.weight_decay']:.4g}")
    _, children = runs(client, prepared)
    states = [children[number].info.status for number in sorted(children)]
    assert states == (["FINISHED"] * 3 if where == "tune.ended" else ["FINISHED", "KILLED", "FINISHED", "FINISHED"])
    assert len(finished_trials(search(project, prepared, mlflow_uri, trials=3))) == 3, "nothing is left to do"
