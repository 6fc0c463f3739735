"""`abreast tune` on the real stages, with a tiny model and a real MLflow."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from abreast.cli.main import app
from tests.installation import Installation
from tests.learning.tiny import write_tiny_base

pytestmark = pytest.mark.server
TRAIN = {"epochs": 2, "learning_rate": 0.01, "top_layers": 2, "regularizers": [], "max_tokens": 1000}


@pytest.fixture(scope="module")
def local_project(tmp_path_factory: pytest.TempPathFactory, prefork: None) -> Installation:
    base = write_tiny_base(tmp_path_factory.mktemp("base"))
    return Installation(tmp_path_factory.mktemp("local_project"), {"model": {"base": str(base)}, "train": TRAIN})


@pytest.fixture
def tune(local_project: Installation, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch):
    """Run `abreast tune` in the project."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["tune", *arguments])

    monkeypatch.setenv("ABREAST_PROJECT", str(local_project.root))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return run


def test_a_search_on_a_clean_folder_ends_with_table_lines_command_and_page(local_project, tune, mlflow_uri, tmp_path):
    from mlflow import MlflowClient

    (tmp_path / "space.yaml").write_text(
        "train.learning_rate: {low: 1e-3, high: 1e-1, log: true}\ntrain.top_layers: [2, 3]\n"
    )
    before = local_project.git("status", "--porcelain")
    delivery = local_project.root / "samples/drops/02-2024-q3"
    arguments = ["--trials", "1", "--space", str(tmp_path / "space.yaml"), "--on", str(delivery)]
    done = tune(*arguments)
    assert done.exit_code == 0, done.output
    assert "train:\n  learning_rate: 0.01\n  top_layers: 2\n" in done.stdout
    assert "dvc exp run -S train.learning_rate=0.01 -S train.top_layers=2" in done.stdout
    assert local_project.git("status", "--porcelain") == before, "the working tree is left alone"
    found = json.loads(tune(*arguments, "--json").stdout)
    (trial,) = found["trials"]
    assert (trial["outcome"], trial["knobs"]) == ("complete", {"train.learning_rate": 0.01, "train.top_layers": 2})
    assert found["best"] == trial["knobs"]
    assert found["page"].startswith(mlflow_uri)
    artifacts = MlflowClient(mlflow_uri).list_artifacts(found["page"].rsplit("/", 1)[-1], "tuning")
    assert {Path(one.path).name for one in artifacts} == {"trials.csv", "best.yaml", "history.png"}


@pytest.mark.parametrize(
    ("space", "message"),
    [("train.rnk: [4, 8]", "unknown knob `train.rnk`"), ("train.learning_rate: {low: 1, high: 0}", "low must be less")],
)
def test_a_bad_space_stops_it_before_anything_is_done(local_project, tune, tmp_path, space, message):
    (tmp_path / "space.yaml").write_text(space)
    studies = sorted((local_project.root / ".abreast").glob("tuning/*"))
    done = tune("--space", str(tmp_path / "space.yaml"), "--on", str(local_project.root / "samples/drops/05-2025-q2"))
    assert done.exit_code == 2
    assert message in done.stderr
    assert sorted((local_project.root / ".abreast").glob("tuning/*")) == studies


def test_without_mlflow_or_a_delivery_it_says_what_is_wrong(tune, monkeypatch):
    assert "--on names a delivery" in tune("--on", "samples/none").stderr
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert "MLflow does not answer" in tune().stderr
