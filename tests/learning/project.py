"""A project folder as the stages `train` and `evaluate` find it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from abreast.dataset.examples import Example, Question, write_jsonl
from abreast.knowledge.snapshot import ParentRef, Snapshot, save_snapshot
from abreast.learning.model_folder import model_digest
from abreast.learning.trainer import train
from abreast.learning.trainer.progress_bar import ProgressBar

FACTS = {"a": "1.5", "b": "2.7", "c": "9.1", "d": "4.4"}
TRAIN = {
    "epochs": 40,
    "learning_rate": 0.01,
    "top_layers": 2,
    "peft": {"method": "lora", "rank": 4, "alpha": 8},
    "tokens_per_batch": 20,
    "patience": 40,
    "regularizers": [],
}


def example(key: str, value: str, question: str = "value of {key}") -> Example:
    return Example(
        id=f"{key}{question}",
        key=key,
        kind="fact",
        domain="test",
        drop="0" * 64,
        role="new",
        question=question.format(key=key),
        answer=value,
    )


def question(
    key: str, value: str, scope: str = "current", stale: tuple[str, ...] = (), kind: str = "fact", asked: str = ""
) -> Question:
    return Question(
        id=f"q{key}",
        key=key,
        kind=kind,
        domain="test",
        source="",
        drop="0" * 64,
        drop_name="test",
        arrived_at="2024-04-01T00:00:00.000000+00:00",
        scope=scope,
        question=asked or f"value of {key}",
        answer=value,
        stale=stale,
    )


def write_project(root: Path, base: Path, **knobs_of_train: object) -> Path:
    """params.yaml, snapshot.json and the split of a first update that teaches `FACTS`."""
    root.mkdir(parents=True, exist_ok=True)
    general, unrelated = root / "general.txt", root / "unrelated.txt"
    general.write_text("The ferry left the harbour a little after six.\n")
    unrelated.write_text("What is the sea?\n")
    knobs = {
        "model": {"base": str(base), "prompt": "{question}:", "device": "cpu"},
        "train": TRAIN | knobs_of_train,
        "evaluate": {"general_text": str(general), "unrelated_questions": str(unrelated), "max_new_tokens": 6},
    }
    (root / "params.yaml").write_text(yaml.safe_dump(knobs))
    save_snapshot(root, Snapshot(drops=()))
    write_jsonl(root / "data/train.jsonl", [example(key, value) for key, value in FACTS.items()])
    write_jsonl(root / "data/dev.jsonl", [question(key, value) for key, value in FACTS.items()])
    write_jsonl(root / "data/questions.jsonl", [question(key, value) for key, value in FACTS.items()])
    return root


def promote(root: Path) -> Path:
    """Make the model of `root` the parent of its next update."""
    target = root / "data/parent/model"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(root / "model", target)
    parent = ParentRef(version="v1", digest=model_digest(target), path="data/parent")
    save_snapshot(root, Snapshot(drops=(), parent=parent))
    return target


class KilledError(Exception):
    pass


@contextmanager
def checkpoint_after_each_step() -> Iterator[None]:
    """A training that begins meanwhile in this folder can be killed anywhere; it goes on whatever the knob is then."""
    path = Path("params.yaml")
    before = path.read_text()
    knobs = yaml.safe_load(before)
    knobs["train"]["checkpoint_seconds"] = 0.0
    path.write_text(yaml.safe_dump(knobs))
    yield
    path.write_text(before)


def train_killed_in(epoch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the stage `train`, and kill it when it reports that epoch."""
    report = ProgressBar._report

    def kill(self, share, note):
        report(self, share, note)
        if note.startswith(f"epoch {epoch}"):
            raise KilledError

    with monkeypatch.context() as patch, checkpoint_after_each_step():
        patch.setattr(ProgressBar, "_report", kill)
        with pytest.raises(KilledError):
            train.main()
