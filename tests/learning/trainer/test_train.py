import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import load_params
from abreast.dataset.examples import write_jsonl
from abreast.inference.load import load_predictor
from abreast.learning.model_folder import model_digest, read_model_manifest
from abreast.learning.trainer import train
from tests.learning.project import FACTS, checkpoint_after_each_step, example, promote, question, write_project


@pytest.fixture
def project(tmp_path, tiny_base, monkeypatch):
    root = write_project(tmp_path / "project", tiny_base)
    monkeypatch.chdir(root)
    return root


def test_learns_the_facts_and_reports(project, tiny_base):
    train.main()
    summary = json.loads(Path("reports/train.json").read_text())
    assert summary["dev_exact_match"] == 1.0
    assert summary["examples_new"] == 4
    rows = list(csv.DictReader(Path("reports/curve.csv").read_text().splitlines()))
    assert float(rows[0]["loss"]) > float(rows[-1]["loss"])
    card = read_model_manifest(Path("model"))
    assert (card.base, card.peft["rank"], card.top_layers) == (str(tiny_base), 4, 2)
    assert {path.name for path in Path("model").iterdir()} == {
        "abreast.json",
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    assert not list((project.parent / "home/checkpoints").iterdir())


def test_without_a_development_set_the_last_weights_are_kept(project):
    write_jsonl(Path("data/dev.jsonl"), [])
    train.main()
    predictor = load_predictor(Path("model"), load_params(Path()).model)
    assert predictor.answer([f"value of {key}" for key in FACTS]) == list(FACTS.values())


def test_same_inputs_give_the_same_bytes(project):
    train.main()
    first = model_digest(Path("model"))
    train.main()
    assert model_digest(Path("model")) == first


def test_continues_the_parent(project):
    train.main()
    promote(project)
    write_jsonl(Path("data/train.jsonl"), [example("a", "1.5"), example("e", "6.6")])
    write_jsonl(Path("data/dev.jsonl"), [question("a", "1.5"), question("e", "6.6")])
    train.main()
    curve = list(csv.DictReader(Path("reports/curve.csv").read_text().splitlines()))
    assert float(curve[0]["dev_exact_match"]) >= 0.5, "the parent knew one of the two before"
    assert json.loads(Path("reports/train.json").read_text())["dev_exact_match"] == 1.0


def test_refuses_a_damaged_parent_and_another_adapter_method(project, tiny_base):
    train.main()
    parent = promote(project)
    write_project(project, tiny_base, peft={"method": "lora", "rank": 8, "alpha": 8})
    promote(project)
    with pytest.raises(AbreastError, match=r"train\.peft is \{'method': 'lora', 'rank': 8,.*has \{.*'rank': 4,"):
        train.main()
    write_project(project, tiny_base)
    promote(project)
    (parent / "abreast.json").write_text("{}")
    with pytest.raises(AbreastError, match="changed or damaged"):
        train.main()


def test_without_examples_the_model_is_the_parent(project):
    train.main()
    promote(project)
    write_jsonl(Path("data/train.jsonl"), [])
    before = (Path("model") / "adapter_model.safetensors").read_bytes()
    train.main()
    assert (Path("model") / "adapter_model.safetensors").read_bytes() == before
    assert json.loads(Path("reports/train.json").read_text())["stopped"] == "there was nothing to learn"


def test_a_killed_training_resumes_to_the_same_bytes(project):
    train.main()
    whole, curve = model_digest(Path("model")), Path("reports/curve.csv").read_bytes()
    checkpoints = project.parent / "home/checkpoints"
    Path("reports/curve.csv").unlink()
    with checkpoint_after_each_step():
        _kill_after_checkpoint(checkpoints)
    assert list(checkpoints.glob("*/*/state.json")), "killed with a checkpoint left"
    seen = Path("reports/curve.csv").read_bytes()
    assert curve.startswith(seen), "the curve is there while training goes on"
    assert len(seen) > 100
    train.main()
    assert model_digest(Path("model")) == whole
    assert Path("reports/curve.csv").read_bytes() == curve
    assert not list(checkpoints.iterdir())


def _kill_after_checkpoint(checkpoints: Path) -> None:
    """Start the stage as DVC does, and kill it once it has written some checkpoints."""
    process = subprocess.Popen([sys.executable, "-m", "abreast.learning.trainer.train"], env=os.environ)
    deadline = time.monotonic() + 120
    while not any(int(path.parent.name) >= 10 for path in checkpoints.glob("*/[0-9]*/state.json")):
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_an_old_fact_is_shown_in_one_phrasing_an_epoch():
    new = [example("n", "1", text) for text in ("a {key}", "b {key}")]
    old = [example("o", "1", text).model_copy(update={"role": "replayed"}) for text in ("a {key}", "b {key}")]
    assert train.first_due([*new, *old]) == [0, 0, 0, 1]


def test_max_tokens_bounds_the_training(project, tiny_base):
    write_project(project, tiny_base, max_tokens=100)
    train.main()
    summary = json.loads(Path("reports/train.json").read_text())
    assert summary["stopped"].startswith("train.max_tokens reached")
    assert summary["tokens"] < 200
