"""A version learned by the real stages, with git, DVC and MLflow: proven, and made a second time."""

import json
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.lineage.reproduce import ReproductionResult, fresh_workspace, verify_version
from abreast.lineage.trace import trace_key, trace_version
from abreast.services.services import Services
from tests.flows.conftest import GATES, TRAIN
from tests.flows.drops import WORDS, rows, write
from tests.installation import PREFORK, Installation
from tests.learning.tiny import write_tiny_base
from tests.lifecycle.by_hand import bring, learn

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def installation(mlflow_uri: str, prefork: None, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """v1 and its one drop."""
    base = write_tiny_base(tmp_path_factory.mktemp("base"))
    knobs = {"model": {"name": "reproduced", "base": str(base)}, "train": TRAIN, "gates": GATES}
    made = Installation(tmp_path_factory.mktemp("installation"), knobs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", PREFORK)
        services = Services.open(made.root)
        bring(services, write(tmp_path_factory.mktemp("drop") / "first.jsonl", rows(WORDS, "2024-01-01")))
        learn(services)
    return made


@pytest.fixture
def services(installation: Installation, mlflow_uri: str, monkeypatch: pytest.MonkeyPatch) -> Services:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    return Services.open(installation.root)


def refusal(services: Services, folder: Path) -> str:
    """Why v1 is not proven."""
    version = services.ledger.versions.get(services.line, 1)
    with pytest.raises(AbreastError) as refused:
        list(
            verify_version(
                services.project,
                services.ledger,
                services.registry,
                version,
                fresh_workspace(services.project, version, folder),
            )
        )
    return str(refused.value)


def test_every_hash_is_proven_and_a_second_training_gives_the_same_digest(installation: Installation, mlflow_uri: str):
    env = {"MLFLOW_TRACKING_URI": mlflow_uri, "OMP_NUM_THREADS": "1"}
    said = installation.abreast("reproduce", "v1", "--retrain", "--json", **env)
    found = json.loads(said.stdout)
    proven = {line.split(":")[0] for line in found["proven"]}
    assert proven >= {"model/v1", "model", "data/knowledge.parquet", "dvc.lock", "reports/answers.jsonl"}
    assert found["remade"]["digest"] == found["remade"]["recorded"]
    assert (found["remade"]["different"], found["remade"]["measures"]) == ([], {})
    assert "train: run again" in said.stderr
    assert list((installation.root / ".abreast/runs").iterdir()) == [], "nothing is left"


def test_a_version_leads_to_all_that_it_was_made_from_and_a_key_to_what_was_taught(services: Services):
    found = trace_version(services.project, services.ledger, services.registry, 1)
    assert (found["tag"], found["commit"]) == ("model/v1", services.project.commit())
    assert found["outputs"]["model"] == found["data"]["model"]
    assert found["params"]["train"]["learning_rate"] == TRAIN["learning_rate"]
    assert "seed" not in found["params"]["train"], "as it comes"
    assert found["drops"][0]["accepted"] == len(WORDS)
    (version,) = trace_key(services.project, services.ledger, services.registry, "arvia/1/latest")["versions"]
    (row,) = version["taught"]
    assert (row["value"], row["valid_from"], row["valid_until"]) == (WORDS["Arvia"], "2024-01-01", None)
    assert version["learned"]
    assert {asked["answer"] for asked in version["answers"]} == {WORDS["Arvia"]}


def test_a_version_without_a_tag_and_a_tag_on_other_inputs(
    services: Services, installation: Installation, tmp_path: Path
):
    tagged = installation.git("rev-parse", "model/v1")
    try:
        installation.git("tag", "--delete", "model/v1")
        assert refusal(services, tmp_path / "a").startswith("git has no tag model/v1: only a version that passed")
        installation.git("tag", "model/v1", "HEAD")
        said = refusal(services, tmp_path / "b")
    finally:
        installation.git("tag", "--force", "model/v1", tagged)
    assert said == "model/v1: the ledger has other inputs of u0001 than the tag: M snapshot.json"


def test_other_bytes_in_the_remote_are_found_out(services: Services, tmp_path: Path):
    md5 = trace_version(services.project, services.ledger, services.registry, 1)["outputs"]["data/train.jsonl"]
    kept = services.project.root / ".abreast/remote/files/md5" / md5[:2] / md5[2:]
    content, mode = kept.read_bytes(), kept.stat().st_mode
    kept.chmod(0o644)
    kept.write_bytes(content[:-1] + b" ")
    try:
        assert "data/train.jsonl" in refusal(services, tmp_path)
    finally:
        kept.write_bytes(content)
        kept.chmod(mode)


def test_another_digest_in_mlflow_is_found_out(services: Services, tmp_path: Path):
    digest = services.registry.digest(1)
    services.registry._tag(1, "abreast.digest", "0" * 64)
    try:
        assert "digest 000000000000 in MLflow" in refusal(services, tmp_path)
    finally:
        services.registry._tag(1, "abreast.digest", digest)


@pytest.mark.parametrize(
    ("device", "digest", "off", "reproduced"),
    [("cpu", "a", {}, True), ("cpu", "b", {}, False), ("cuda", "b", {}, True), ("cuda", "b", {"loss": (1, 2)}, False)],
)
def test_on_a_cpu_every_bit_counts_and_on_a_gpu_what_is_measured(device, digest, off, reproduced):
    made = ReproductionResult(device=device, recorded="a", digest=digest, equal=(), different=(), measures=off)
    assert made.reproduced is reproduced
