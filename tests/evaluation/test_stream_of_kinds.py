"""Each kind of record through the whole update, twice: the second drop brings new classes or another domain."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from abreast.reports.reports import read_reports
from abreast.tracking.card.markdown import measure_table
from abreast.tracking.card.report_data import report_data
from tests.evaluation.stream import learn

REHEARSE = {"replay_ratio": 0.5, "replay_min": 20}


def texts(word: str, last: int = 30, **columns: object) -> list[dict]:
    """Three texts about one word for each number from 10 up to `last`."""
    return [{"text": " ".join([word] * times) + f" {n}", **columns} for n in range(10, last) for times in (1, 2, 3)]


def is_even(answers: list[str]) -> bool:
    """Whether each answer is there as often as any other."""
    counts = Counter(answers).values()
    return max(counts) - min(counts) <= 1


def sentences(kind: str, name: str, verb: str, domain: str) -> list[dict]:
    """Thirty sentences that name one thing; of no kind, thirty that name nothing."""
    tags = [f"B-{kind}" if kind else "O", "O", "O"]
    rows = [([name, verb, str(n)], tags) for n in range(10, 25)]
    rows += [([str(n), verb, name], tags[::-1]) for n in range(10, 25)]
    return [{"tokens": tokens, "tags": tags, "domain": domain} for tokens, tags in rows]


def answers_of(root: Path) -> list[dict]:
    return [json.loads(line) for line in (root / "reports/answers.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"lion": "animal", "rose": "plant"}, {"iron": "metal"}),
        ({"狮子": "动物", "玫瑰": "植物"}, {"钢铁": "金属"}),
    ],
    ids=["english", "chinese"],
)
def test_a_label_set_grows_drop_by_drop(tmp_path, tiny_base, first, second):
    (common, label), (rare, other), (new, third) = *first.items(), *second.items()
    drops = [[*texts(common, label=label), *texts(rare, 20, label=other)], texts(new, label=third)]
    one, two = learn(tmp_path, tiny_base, drops, split=REHEARSE)
    assert one.verdict.verdict == two.verdict.verdict == "pass"
    assert one.figures("classification", who="base")["accuracy"] == 0.0
    assert two.figures("classification", "current")["accuracy"] >= 0.8
    assert two.figures("classification", "retained")["accuracy"] >= 0.8
    assert two.figures("classification")["macro_f1"] >= 0.8
    replayed = [example.answer for example in two.replayed]
    assert set(replayed) == {label, other}
    assert is_even(replayed), "a rare class is replayed as often as a frequent one"
    assert {question.answer for question in two.questions} == {label, other, third}
    slices = list(csv.DictReader((two.root / "reports/slices.csv").read_text("utf-8").splitlines()))
    script = "chinese" if "狮子" in first else "latin"
    assert {row["name"] for row in slices if row["by"] == "language"} == {script}


def test_spans_of_another_domain_are_learned_and_the_old_ones_kept(tmp_path, tiny_base):
    first = sentences("PER", "Ada", "sang", "news") + sentences("LOC", "Rome", "lies", "news")
    first += sentences("", "it", "rains", "news")
    one, two = learn(tmp_path, tiny_base, [first, sentences("ORG", "BASF", "owes", "mail")], split=REHEARSE)
    assert {e.answer for e in one.examples} == {"PER: Ada", "LOC: Rome", "none"}
    assert two.verdict.verdict == "pass"
    assert one.figures("tagging", who="base")["span_f1"] == 0.0
    assert two.figures("tagging", "current")["span_f1"] >= 0.8
    assert two.figures("tagging", "retained")["span_f1"] >= 0.8
    replayed = [example.answer for example in two.replayed]
    assert set(replayed) == {"PER: Ada", "LOC: Rome", "none"}
    assert is_even(replayed)
    slices = list(csv.DictReader((two.root / "reports/slices.csv").read_text().splitlines()))
    assert {row["name"] for row in slices if row["by"] == "domain"} == {"mail", "news"}


def test_numbers_are_learned_to_within_the_tolerance(tmp_path, tiny_base):
    first = texts("cold", target=4.0, domain="north") + texts("warm", target=21.5, domain="north")
    one, two = learn(tmp_path, tiny_base, [first, texts("hot", target=35.0, domain="south")])
    assert {e.answer for e in one.examples} == {"4", "21.5"}
    assert two.verdict.verdict == "pass"
    assert one.figures("regression", who="base")["within_tolerance"] == 0.0
    figures = two.figures("regression")
    assert figures["within_tolerance"] >= 0.8
    assert figures["mae"] < 4
    assert figures["spearman"] > 0.7
    assert {example.answer for example in two.replayed} == {"4", "21.5"}


def test_raw_text_is_learned_and_measured_by_its_perplexity(tmp_path, tiny_base):
    first = [{"text": f"The cat {n} sat on the mat, and {n} mice ran home."} for n in range(60)]
    second = [{"text": f"Rain {n} falls on the hills; {n} rivers rise.", "domain": "weather"} for n in range(60)]
    one, two = learn(tmp_path, tiny_base, [first, second], train={"max_tokens": 20000})
    for learned in (one, two):
        assert learned.verdict.verdict == "pass"
        assert not answers_of(learned.root)
        assert learned.metrics["counts"] == {"current": 0, "retained": 0, "superseded": 0}
        before = learned.figures("text", "current", "base")["perplexity"]
        assert learned.figures("text", "current")["perplexity"] < 0.2 * before
    assert "current_text_perplexity" in [gate.name for gate in one.verdict.gates]
    assert "retained_text_perplexity" in [gate.name for gate in two.verdict.gates]
    assert all(example.question == "" for example in two.examples)
    assert {example.answer for example in two.replayed} <= {row["text"] for row in first}


def test_all_kinds_in_one_drop_and_their_rows_on_the_card(tmp_path, tiny_base):
    rows = [
        *texts("lion", label="animal"),
        *sentences("PER", "Ada", "sang", "news"),
        *texts("cold", target=4.0),
        *({"text": f"The cat {n} sat on the mat."} for n in range(40)),
        *({"prompt": f"Who is number {n}?", "completion": "Ada"} for n in range(30)),
        {"key": "a/1", "value": "1.5"},
    ]
    (learned,) = learn(tmp_path, tiny_base, [rows], train={"epochs": 4})
    kinds = {"fact", "instruction", "classification", "tagging", "regression", "text"}
    assert set(learned.metrics["by_kind"]) == {question.kind for question in learned.questions} == kinds
    asked = sum(counts["counts"]["known"] for kind, counts in learned.metrics["by_kind"].items() if kind != "text")
    assert asked == learned.metrics["counts"]["current"] == len(answers_of(learned.root))
    data = report_data(read_reports(learned.root / "reports"))
    page = measure_table(data.models, data.kinds)
    for row in ("classification, new", "tagging, new", "regression, new", "text, new", "fact, new", "instruction, new"):
        assert f"| {row} (" in page
    assert "span f1" in page
