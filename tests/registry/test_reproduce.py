"""A version learned by the real stages, with git, DVC and MLflow: proven, and made a second time."""

import json

import pytest

from abreast.project import Project
from tests.flows.conftest import GATES, TRAIN
from tests.flows.drops import WORDS, rows, write
from tests.installation import Installation
from tests.learning.tiny import write_tiny_base
from tests.registry.by_hand import bring, learn

pytestmark = pytest.mark.server
ONE = {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def installation(mlflow_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """v1 and its one drop."""
    base = write_tiny_base(tmp_path_factory.mktemp("base"))
    knobs = {"model": {"name": "reproduced", "base": str(base)}, "train": TRAIN, "gates": GATES}
    made = Installation(tmp_path_factory.mktemp("installation"), knobs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        patch.setenv("OMP_NUM_THREADS", "1")
        project = Project.open(made.root)
        bring(project, write(tmp_path_factory.mktemp("drop") / "first.jsonl", rows(WORDS, "2024-01-01")))
        learn(project)
    return made


def test_every_hash_is_proven_and_a_second_training_gives_the_same_digest(installation: Installation, mlflow_uri: str):
    env = {"MLFLOW_TRACKING_URI": mlflow_uri, "OMP_NUM_THREADS": "1"}
    said = installation.abreast("reproduce", "v1", "--retrain", "--json", **env)
    found = json.loads(said.stdout)
    assert {line.split(":")[0] for line in found["proven"]} >= {
        "model/v1",
        "model",
        "data/knowledge.parquet",
        "dvc.lock",
    }
    assert found["remade"]["digest"] == found["remade"]["recorded"]
    assert found["remade"]["different"] == []
    assert "train: run again" in said.stderr
    print(said.stderr, found)
