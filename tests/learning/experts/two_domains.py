"""A project whose records are of two domains, each asked in words of its own."""

from pathlib import Path

from abreast.dataset.examples import Example, Question, write_jsonl
from tests.learning.project import example, question, write_project

LETTERS = {"a": "1.5", "b": "2.7", "c": "9.1"}
COLOURS = {"x": "red", "y": "blue", "z": "lime"}
ASKED = {"letters": "value of {key}", "colours": "what colour has {key}"}


def examples_of(domain: str, facts: dict[str, str], role: str = "new") -> list[Example]:
    words = ASKED.get(domain, "{key} is")
    found = [example(key, value, words) for key, value in facts.items()]
    return [one.model_copy(update={"domain": domain, "role": role}) for one in found]


def questions(domain: str, facts: dict[str, str], scope: str = "current") -> list[Question]:
    words = ASKED.get(domain, "{key} is")
    found = [question(key, value, scope, asked=words.format(key=key)) for key, value in facts.items()]
    return [one.model_copy(update={"domain": domain}) for one in found]


def write_split(taught: list[Example], asked: list[Question]) -> None:
    """What is taught and asked in the current folder, while training and at the end."""
    write_jsonl(Path("data/train.jsonl"), taught)
    write_jsonl(Path("data/dev.jsonl"), asked)
    write_jsonl(Path("data/questions.jsonl"), asked)


def write_team(root: Path, base: Path, **knobs: object) -> Path:
    """A project with `train.experts: domain`."""
    return write_project(root, base, **({"experts": "domain", "update_learning_rate": 0.01} | knobs))
