"""A stream of drops through the very stages of an update, in this process, each drop on top of the one before."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from abreast.contract import validate
from abreast.core.settings import GATES
from abreast.dataset import split
from abreast.dataset.examples import Example, Question, read_examples, read_questions
from abreast.evaluation import evaluate
from abreast.gates.judge import judge
from abreast.knowledge import assemble
from abreast.knowledge.drop import write_drop
from abreast.knowledge.snapshot import DropRef, ParentRef, Snapshot, save_snapshot
from abreast.learning.model_folder import model_digest
from abreast.learning.trainer import train
from abreast.reports.reports import read_reports
from abreast.reports.verdict import Verdict
from tests.dataset.making import drop

TEMPLATES = Path(__file__).parents[2] / "abreast/dataset/templates.yaml"
TRAIN = {
    "epochs": 30,
    "learning_rate": 0.01,
    "update_learning_rate": 0.01,
    "top_layers": 4,
    "peft": {"method": "lora", "rank": 8, "alpha": 16},
    "tokens_per_batch": 240,
    "patience": 8,
    "regularizers": [],
    "checkpoint_seconds": 1000.0,
}
BOUNDS = {
    "retained_text_perplexity": {"at_most": 1.2},
    "current_exact_match": {"at_least": 0.7},
    "gain": {"on_undecided": "point_estimate"},
    "retained_exact_match": {"at_least": -0.3},
    "retention": {"at_least": -0.4, "on_undecided": "point_estimate"},
    "retention by domain": {"at_least": -0.4},
    "general_perplexity_ratio": {"at_most": 1000.0},
    "named trigger words": {"at_most": 1.0},
    "unrelated questions": {"at_least": 0.0},
}
TINY_GATES = tuple(gate.model_copy(update={"min_questions": 1} | BOUNDS.get(gate.name, {})) for gate in GATES)
"""The gates as they come, with bounds that a tiny model and a few questions can reach."""


@dataclass(frozen=True)
class Learned:
    """What one drop left: its folder, what was taught and asked, the figures and the verdict."""

    root: Path
    examples: list[Example]
    questions: list[Question]
    metrics: dict[str, Any]
    verdict: Verdict

    @property
    def replayed(self) -> list[Example]:
        return [example for example in self.examples if example.role == "replayed"]

    def figures(self, kind: str, scope: str = "known", who: str = "candidate") -> dict[str, float | None]:
        return self.metrics["by_kind"][kind][who][scope]


def learn(root: Path, base: Path, drops: list[list[dict[str, Any]]], **sections: dict[str, Any]) -> list[Learned]:
    """Learn one drop after another; whatever the verdict is, the next one starts from the candidate."""
    learned: list[Learned] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ABREAST_HOME", str(root / "home"))
        for number, rows in enumerate(drops, start=1):
            folder = root / str(number)
            _prepare(folder, base, number, rows, learned[-1].root if learned else None, sections)
            patch.chdir(folder)
            for stage in (assemble, validate, split, train, evaluate):
                stage.main()
            reports = read_reports(Path("reports"))
            examples, questions = read_examples(split.TRAIN), read_questions(split.QUESTIONS)
            learned.append(
                Learned(folder, examples, questions, reports.metrics.model_dump(), judge(reports, TINY_GATES))
            )
    return learned


def _prepare(
    folder: Path, base: Path, number: int, rows: list[dict], before: Path | None, sections: dict[str, dict]
) -> None:
    """params.yaml, the drop, the parent and the snapshot that names both."""
    folder.mkdir(parents=True)
    (folder / "general.txt").write_text("The ferry left the harbour a little after six.\n")
    (folder / "unrelated.txt").write_text("What is the sea?\n")
    knobs = {
        "model": {"base": str(base), "prompt": "{question}:", "device": "cpu"},
        "knowledge": {"templates": str(TEMPLATES)},
        "train": TRAIN,
        "evaluate": {"general_text": "general.txt", "unrelated_questions": "unrelated.txt", "max_new_tokens": 6},
    }
    knobs = {name: knobs.get(name, {}) | sections.get(name, {}) for name in {*knobs, *sections}}
    (folder / "params.yaml").write_text(yaml.safe_dump(knobs))
    info, records = drop(f"drop {number}", rows, number)
    path = f"data/drops/{info.digest}"
    write_drop(folder / path, info, records)
    parent = _adopt(folder, before, number - 1) if before else None
    ref = DropRef(digest=info.digest, path=path, arrived_at=info.arrived_at, name=info.name)
    save_snapshot(folder, Snapshot(drops=(ref,), parent=parent))


def _adopt(folder: Path, before: Path, version: int) -> ParentRef:
    place = folder / "data/parent"
    shutil.copytree(before / "model", place / "model")
    shutil.copy2(before / "data/knowledge.parquet", place / "knowledge.parquet")
    return ParentRef(version=f"v{version}", digest=model_digest(place / "model"), path="data/parent")
