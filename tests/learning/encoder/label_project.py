"""A project of an encoder as the stages `train` and `evaluate` find it, and its updates."""

from pathlib import Path
from typing import Any

from abreast.dataset.examples import Example, Question, write_jsonl
from tests.learning.project import example, question, write_project

TRAIN = {"epochs": 12, "tokens_per_batch": 60, "top_layers": 2, "patience": 12, "update_learning_rate": 0.01}

Row = tuple[str, str, str]
"""Kind, question and answer."""

ANIMALS = [("classification", f"the lion ran {n}", "animal") for n in range(6)]
PLANTS = [("classification", f"the rose is {n}", "plant") for n in range(6)]
METALS = [("classification", f"iron lies in {n}", "metal") for n in range(6)]
NAMES = [("tagging", f"ada sang {n}", "PER: ada") for n in range(6)]
NUMBERS = [("regression", f"{word} {n}", number) for n in range(6) for word, number in (("cold", "4"), ("hot", "35"))]


def examples_of(rows: list[Row], role: str = "new") -> list[Example]:
    return [
        example(asked, answer).model_copy(update={"kind": kind, "question": asked, "role": role, "drop": "d" * 64})
        for kind, asked, answer in rows
    ]


def questions(rows: list[Row], scope: str = "current") -> list[Question]:
    return [question(asked, answer, scope, kind=kind, asked=asked) for kind, asked, answer in rows]


def lay_out(root: Path, base: Path, taught: list[Row], asked: list[Row] | None = None, **train: Any) -> Path:
    """A first update; without `asked` what is taught is asked."""
    write_project(root, base, **(TRAIN | train))
    teach(taught, asked)
    return root


def teach(taught: list[Row], asked: list[Row] | None = None, old: list[Row] = ()) -> None:
    """What the update in the current folder teaches and asks; `old` is replayed and asked as known before."""
    write_jsonl(Path("data/train.jsonl"), [*examples_of(taught), *examples_of(old, "replayed")])
    now = [*questions(taught if asked is None else asked), *questions(old, "retained")]
    write_jsonl(Path("data/dev.jsonl"), now)
    write_jsonl(Path("data/questions.jsonl"), now)
