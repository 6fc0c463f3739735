"""Self-generated replay: what is rehearsed is what the parent says."""

import json
from pathlib import Path

import pytest

from abreast.core.settings import load_params
from abreast.dataset.examples import Example, write_jsonl
from abreast.inference.predictor import load_answerer
from abreast.learning.methods.protocol import Run
from abreast.learning.methods.self_distillation import OwnAnswers
from abreast.learning.trainer import train
from tests.learning.methods.line import make_run, weights
from tests.learning.methods.line import train as train_line
from tests.learning.project import FACTS, example, promote, question, write_project


def old(key: str, value: str = "stored", **more: str) -> Example:
    return example(key, value, **more).model_copy(update={"role": "rehearsed"})


@pytest.fixture(scope="module")
def parent(tiny_base, tmp_path_factory):
    """The weights of a model that knows the facts."""
    run = make_run(tiny_base)
    train_line(run, [], tmp_path_factory.mktemp("parent"), epochs=80, checkpoint_seconds=60.0)
    return weights(run)


def rewritten(run: Run, lessons: list[Example], **knobs: int) -> list[Example]:
    return OwnAnswers(OwnAnswers.Knobs(**knobs)).rewrite(run, lessons)


def test_rehearsed_answers_are_the_parents_and_new_ones_stay(tiny_base, parent, capsys):
    run = make_run(tiny_base, parent)
    lessons = [example("e", "6.6"), *(old(key) for key in FACTS)]
    taught = rewritten(run, lessons)
    assert taught[0] == lessons[0]
    assert {lesson.key: lesson.answer for lesson in taught[1:]} == FACTS
    assert [lesson.question for lesson in taught] == [lesson.question for lesson in lessons]
    assert capsys.readouterr().out.startswith("self: 4 of 4 rehearsed lessons")


def test_what_was_not_ended_and_raw_text_are_left_out_and_no_stored_answer_is_learned(tiny_base, parent):
    run = make_run(tiny_base, parent)
    text = old("t", "raw text that is stored").model_copy(update={"kind": "text", "question": ""})
    assert rewritten(run, [old("a"), text, example("e", "6.6")], longest=2) == [example("e", "6.6")]


def test_without_a_parent_nothing_is_rewritten(tiny_base):
    lessons = [old("a"), example("e", "6.6")]
    assert rewritten(make_run(tiny_base), lessons) == lessons


def test_what_is_taught_is_what_the_answerer_says(tmp_path, tiny_base, monkeypatch):
    """Through the stage: the parent says one thing wrongly, and keeps saying it, whatever is stored."""
    root = write_project(
        tmp_path / "project", tiny_base, regularizers=[{"method": "self_distillation"}], checkpoint_seconds=60.0
    )
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
    answerer = load_answerer(Path("model"), load_params(Path()).model)
    said = answerer.answer([f"value of {key}" for key in taught | new])
    assert said == list((taught | new).values())
    assert json.loads(Path("reports/train.json").read_text())["examples_rehearsed"] == 4
