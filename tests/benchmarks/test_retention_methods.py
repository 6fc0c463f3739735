import shutil

import pytest
import yaml

from abreast.core.settings import Params
from abreast.dataset.examples import read_examples, read_questions, write_jsonl
from abreast.dataset.split import training_examples
from abreast.dataset.templates import load_templates
from abreast.knowledge.knowledge_base import apply_drops, write_base
from abreast.learning.methods import make_methods
from benchmarks.learn_stream import SOURCE
from benchmarks.retention_methods import QUICK_METHODS, RETENTION_METHODS
from tests.dataset.making import drop, fact
from tests.learning.project import example, question

TEMPLATES = SOURCE / "abreast/dataset/templates.yaml"


def facts(values: dict[str, str], as_of: str) -> list[dict]:
    return [fact(f"{key}/latest", value, as_of) for key, value in values.items()]


def test_plain_replay_replays_what_was_superseded_and_ours_does_not(tmp_path):
    """The difference that the benchmark measures, seen in the examples themselves."""
    base, _ = apply_drops(None, [drop("one", facts({"a": "1.1", "b": "2.2", "c": "3.3"}, "2024-01-01"))])
    base, _ = apply_drops(base, [drop("two", facts({"a": "1.9"}, "2024-04-01"), 2)])
    base, changes = apply_drops(base, [drop("three", facts({"d": "4.4"}, "2024-07-01"), 3)])
    write_base(tmp_path / "data/knowledge.parquet", base)
    write_base(tmp_path / "data/changes.parquet", changes)
    shutil.copy2(TEMPLATES, tmp_path / "templates.yaml")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"knowledge": {"templates": "templates.yaml"}}))
    examples = tmp_path / "data/train.jsonl"
    taught = []
    for name in ("plain replay", "superseded-aware replay"):
        write_jsonl(examples, training_examples(base, changes, load_templates(TEMPLATES), Params().split))
        RETENTION_METHODS[name].before_training(tmp_path)
        taught.append({example.answer for example in read_examples(examples)})
    assert taught == [{"1.1", "1.9", "2.2", "3.3", "4.4"}, {"1.9", "2.2", "3.3", "4.4"}]


@pytest.mark.model
def test_every_way_names_knobs_and_methods_that_exist():
    for way in RETENTION_METHODS.values():
        for section, values in way.knobs.items():
            assert set(values) <= set(type(getattr(Params(), section)).model_fields)
        make_methods(way.knobs.get("train", {}).get("regularizers", []))


def test_a_quick_run_takes_ways_that_exist():
    assert all(any(name.startswith(start) for name in RETENTION_METHODS) for start in QUICK_METHODS)


def test_experts_are_told_the_field_of_a_fact_or_else_the_drop(tmp_path):
    lines = [
        example("tool/1.0/latest", "1.0.3").model_copy(update={"domain": ""}),
        example("r1", "card").model_copy(update={"domain": "", "kind": "classification", "drop": "1" * 64}),
        example("r2", "card").model_copy(update={"domain": "news", "kind": "classification"}),
    ]
    asked = [question("tool/1.0/eol", "2024").model_copy(update={"domain": ""})]
    write_jsonl(tmp_path / "data/train.jsonl", lines)
    write_jsonl(tmp_path / "data/dev.jsonl", asked)
    write_jsonl(tmp_path / "data/questions.jsonl", asked)
    RETENTION_METHODS["experts by domain"].before_training(tmp_path)
    assert [line.domain for line in read_examples(tmp_path / "data/train.jsonl")] == ["latest", "1" * 64, "news"]
    for name in ("dev", "questions"):
        assert [line.domain for line in read_questions(tmp_path / f"data/{name}.jsonl")] == ["eol"]
