"""The desk, without any server: what `dvc repro` runs again after a change, and the commands around an experiment."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.installation import Installation, laid
from tests.learning.tiny import write_tiny_base

ALL = ["assemble", "validate", "split", "train", "evaluate"]
# What is reproduced is tried here, not what is learned.
KNOBS = {
    "split": {"current_questions": 20},
    "train": {"epochs": 1, "top_layers": 2, "peft": {"method": "lora", "rank": 4, "alpha": 8}, "regularizers": []},
    "evaluate": {"max_new_tokens": 4},
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, prefork: None) -> Installation:
    """A fresh clone on a tiny base, with nothing reproduced yet."""
    base = write_tiny_base(tmp_path_factory.mktemp("base"))
    return Installation(tmp_path_factory.mktemp("desk"), KNOBS | {"model": {"base": str(base)}})


def reproduced(desk: Installation) -> list[str]:
    """The stages that `dvc repro` runs."""
    said = desk.dvc("repro", OMP_NUM_THREADS="1")
    ran = re.findall(r"Running stage '(\w+)'", said)
    assert ran or "Data and pipelines are up to date." in said
    assert "is cached" not in said, "a value of an earlier case came back: choose another"
    return ran


def changed(desk: Installation) -> list[str]:
    """The stages that `dvc repro` would begin with: what they read is not what it was. Those after them may follow."""
    found = desk.changed_stages()
    return [stage for stage in ALL if stage in found]


@pytest.fixture
def fresh(desk: Installation) -> Iterator[Installation]:
    """The desk with everything up to date; what a test edits is put back."""
    desk.dvc("repro", OMP_NUM_THREADS="1")
    desk.git("add", "--all")
    desk.git("commit", "--quiet", "--allow-empty", "--message", "before the test")
    before = desk.git("rev-parse", "HEAD")
    yield desk
    desk.git("reset", "--quiet", "--hard", before)


def test_a_fresh_clone_runs_every_stage_once(desk: Installation):
    assert reproduced(desk) == ALL
    assert reproduced(desk) == []
    assert json.loads((desk.root / "reports/metrics.json").read_text())["counts"]["current"] == 20


def test_a_change_runs_a_stage_again_and_those_after_it_whose_inputs_it_changed(desk: Installation):
    desk.set_knobs({"train": {"learning_rate": 0.0021}})
    edit(desk, "abreast/contract/knowledge_contract.yaml", "# What the", "# All that the")
    assert reproduced(desk) == ["validate", "train", "evaluate"], "a comment changes no data"
    assert reproduced(desk) == []


@pytest.mark.parametrize(
    ("section", "knob", "value", "stages"),
    [
        ("evaluate", "batch_size", 7, ["evaluate"]),
        ("train", "learning_rate", 0.0022, ["train"]),
        ("model", "prompt", "Q: {question}\nA:", ["train", "evaluate"]),
        ("split", "seed", 18, ["split"]),
    ],
)
def test_a_changed_knob_concerns_the_stages_that_read_it(
    fresh: Installation, section: str, knob: str, value: Any, stages: list[str]
):
    fresh.set_knobs({section: {knob: value}})
    assert changed(fresh) == stages


def test_a_knob_that_no_stage_reads_runs_nothing(fresh: Installation):
    of_the_world = {
        "review": {"require_approval": True},
        "drift": {"min_auc": 0.9},
        "intake": {"max_bad_share": 0.5},
        "contract": {"file": "another.yaml"},
        "storage": {"ledger": "sqlite:///other.db"},
        "services": {"host": "localhost"},
    }
    before = fresh.knobs()
    assert all(laid(before[section], knobs) != before[section] for section, knobs in of_the_world.items())
    fresh.set_knobs(of_the_world)
    assert changed(fresh) == []
    assert reproduced(fresh) == []


def test_other_gates_are_a_matter_of_the_evaluation_alone(fresh: Installation):
    """It may stop when they are settled; what a model said before it is not asked again."""
    fresh.set_knobs({"gates": [{"name": "current", "measure": "accuracy", "scope": "current", "at_least": 0.5}]})
    assert changed(fresh) == ["evaluate"]


def edit(desk: Installation, path: str, old: str, new: str) -> None:
    file = desk.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("path", "old", "new", "stages"),
    [
        ("abreast/dataset/templates.yaml", "Newest release of", "Newest version of", ["split", "train", "evaluate"]),
        ("abreast/dataset/templates.yaml", "# How facts", "# The way in which facts", ["split", "train", "evaluate"]),
        ("abreast/contract/knowledge_contract.yaml", "# All that", "# Whatever", ["validate"]),
        ("abreast/knowledge/assemble.py", "Read `snapshot.json`", "Take `snapshot.json`", ALL),
        ("abreast/evaluation/general.txt", "the", "our", ["evaluate"]),
    ],
)
def test_an_edited_file_concerns_the_stages_that_depend_on_its_folder(
    fresh: Installation, path: str, old: str, new: str, stages: list[str]
):
    edit(fresh, path, old, new)
    assert changed(fresh) == stages


def test_an_experiment_is_run_and_shown_beside_its_origin(fresh: Installation):
    said = fresh.run("dvc", "exp", "run", "-S", "train.learning_rate=0.001", OMP_NUM_THREADS="1").stdout
    assert re.findall(r"Running stage '(\w+)'", said) == ["train", "evaluate"]
    assert fresh.knobs()["train"]["learning_rate"] == 0.001
    (branch,) = [row for row in json.loads(fresh.run("dvc", "exp", "show", "--json").stdout) if row["name"] == "main"]
    (experiment,) = branch["experiments"]
    (tried,) = experiment["revs"]
    assert tried["data"]["params"]["params.yaml"]["data"]["train"]["learning_rate"] == 0.001
    assert branch["data"]["params"]["params.yaml"]["data"]["train"]["learning_rate"] != 0.001
    assert tried["data"]["metrics"]["reports/metrics.json"]["data"]["candidate"]["general_perplexity"] > 0


def test_metrics_and_plots_are_shown(fresh: Installation, tmp_path: Path):
    (shown,) = json.loads(fresh.run("dvc", "metrics", "show", "--json").stdout).values()
    measured = shown["data"]["reports/metrics.json"]["data"]
    assert measured["candidate"]["current_exact_match"] is not None
    assert set(shown["data"]) == {f"reports/{name}.json" for name in ("assemble", "split", "train", "metrics")}
    fresh.run("dvc", "plots", "show", "--out", str(tmp_path / "plots"))
    page = (tmp_path / "plots/index.html").read_text()
    assert "development set while training" in page
    assert "right answers by drop" in page
    assert "01-2024-q2" in page
