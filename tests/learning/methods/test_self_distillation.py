"""Self-distillation: replays the parent's own answers."""

import json
from pathlib import Path

import pytest

from abreast.core.settings import load_params
from abreast.dataset.examples import Example, write_jsonl
from abreast.inference.load import load_predictor
from abreast.learning.methods.protocol import TrainingRun
from abreast.learning.methods.self_distillation import SelfDistillation
from abreast.learning.trainer import train
from tests.learning.methods.tiny_training import make_run, weights
from tests.learning.methods.tiny_training import train as train_line
from tests.learning.project import FACTS, example, promote, question, write_project


def old(key: str, value: str = "stored", **more: str) -> Example:
    return example(key, value, **more).model_copy(update={"role": "replayed"})


@pytest.fixture(scope="module")
def parent(tiny_base, tmp_path_factory):
    """The weights of a model that knows the facts."""
    run = make_run(tiny_base)
    train_line(run, [], tmp_path_factory.mktemp("parent"), epochs=80)
    return weights(run)


def mapped(run: TrainingRun, examples: list[Example], **knobs: int) -> list[Example]:
    return SelfDistillation(SelfDistillation.Knobs(**knobs)).map_examples(run, examples)


def test_replayed_answers_are_the_parents_and_new_ones_stay(tiny_base, parent, capsys):
    run = make_run(tiny_base, parent)
    examples = [example("e", "6.6"), *(old(key) for key in FACTS)]
    taught = mapped(run, examples)
    assert taught[0] == examples[0]
    assert {one.key: one.answer for one in taught[1:]} == FACTS
    assert [one.question for one in taught] == [one.question for one in examples]
    assert capsys.readouterr().out.startswith("self_distillation: 4 of 4 replayed examples")


def test_unfinished_answers_and_raw_text_are_left_out(tiny_base, parent):
    run = make_run(tiny_base, parent)
    text = old("t", "raw text that is stored").model_copy(update={"kind": "text", "question": ""})
    assert mapped(run, [old("a"), text, example("e", "6.6")], longest=2) == [example("e", "6.6")]


def test_without_a_parent_nothing_is_mapped(tiny_base):
    examples = [old("a"), example("e", "6.6")]
    assert mapped(make_run(tiny_base), examples) == examples


def test_the_parents_answers_are_learned(tmp_path, tiny_base, monkeypatch):
    """Through the stage: the parent has one wrong answer, and keeps it, whatever is stored."""
    root = write_project(tmp_path / "project", tiny_base, regularizers=[{"method": "self_distillation"}])
    monkeypatch.chdir(root)
    taught = FACTS | {"a": "8.8"}
    write_jsonl(Path("data/train.jsonl"), [example(key, value) for key, value in taught.items()])
    write_jsonl(Path("data/dev.jsonl"), [question(key, value) for key, value in taught.items()])
    train.main()
    promote(root)
    new = {"e": "6.6"}
    write_jsonl(Path("data/train.jsonl"), [*(old(key) for key in FACTS), *(example(*fact) for fact in new.items())])
    write_jsonl(Path("data/dev.jsonl"), [question(*fact) for fact in new.items()])
    train.main()
    predictor = load_predictor(Path("model"), load_params(Path()).model)
    answers = predictor.answer([f"value of {key}" for key in taught | new])
    assert answers == list((taught | new).values())
    assert json.loads(Path("reports/train.json").read_text())["examples_replayed"] == 4
