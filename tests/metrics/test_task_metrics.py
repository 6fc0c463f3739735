from math import exp

import pytest

from abreast.metrics.task_metrics import TextLikelihood, count_by_kind, metrics_by_kind
from tests.learning.project import question


def measured(kind, *triples, tolerance=0.05):
    """Figures of (right answer, given answer, scope); of raw text (mean, tokens, scope)."""
    if kind == "text":
        questions = [question(str(n), "x", scope, kind=kind) for n, (_, _, scope) in enumerate(triples)]
        return metrics_by_kind(questions, [TextLikelihood(mean, tokens) for mean, tokens, _ in triples], tolerance)[
            kind
        ]
    questions = [
        question(str(n), right, scope, kind=kind, asked="Ada saw Rome") for n, (right, _, scope) in enumerate(triples)
    ]
    return metrics_by_kind(questions, [given for _, given, _ in triples], tolerance)[kind]


def test_labels_of_old_and_new_classes():
    found = measured("classification", ("a", "A.", "current"), ("a", "b", "current"), ("b", "b", "retained"))
    assert found["current"] == {"accuracy": 0.5, "macro_f1": pytest.approx(2 / 3)}
    assert found["retained"] == {"accuracy": 1.0, "macro_f1": 1.0}
    assert found["known"]["accuracy"] == pytest.approx(2 / 3)


def test_an_answer_that_is_no_label_is_wrong_but_no_class():
    (found,) = {
        tuple(f.items()) for f in measured("classification", ("a", "a", "current"), ("a", "?!", "current")).values()
    }
    assert dict(found) == {"accuracy": 0.5, "macro_f1": pytest.approx(2 / 3)}


def test_chinese_labels():
    found = measured("classification", ("到货", "到货。", "current"), ("退款", " 退款", "current"))
    assert found["current"] == {"accuracy": 1.0, "macro_f1": 1.0}


def test_spans():
    right = "PER: Ada; LOC: Rome"
    found = measured(
        "tagging", (right, right, "current"), (right, "PER: Ada; PER: Eve", "current"), ("none", "", "current")
    )
    assert found["current"] == {"all_spans_right": pytest.approx(1 / 3), "span_f1": pytest.approx(2 * 3 / (4 + 5))}


def test_numbers_that_cannot_be_read_are_wrong_and_have_no_error():
    found = measured("regression", ("10", "10.4", "current"), ("20", "26", "current"), ("30", "cold", "current"))
    assert found["current"] == {
        "within_tolerance": pytest.approx(1 / 3),
        "mae": pytest.approx(3.2),
        "spearman": pytest.approx(1.0),
        "readable": pytest.approx(2 / 3),
    }
    nothing = measured("regression", ("10", "x", "current"))["current"]
    assert nothing == {"within_tolerance": 0.0, "mae": None, "spearman": None, "readable": 0.0}


def test_raw_text_counts_by_its_tokens():
    found = measured("text", (-1.0, 30, "current"), (-2.0, 10, "current"), (0.0, 0, "retained"))
    assert found["current"]["perplexity"] == pytest.approx(exp(1.25))
    assert found["retained"]["perplexity"] is None


def test_only_scopes_with_questions_are_measured():
    asked = [question("a", "1"), question("b", "c", "retained", kind="classification")]
    assert count_by_kind(asked) == {
        "classification": {"current": 0, "retained": 1, "known": 1},
        "fact": {"current": 1, "retained": 0, "known": 1},
    }
    found = metrics_by_kind(asked, ["1", "d"], 0.0)
    assert found == {
        "classification": {scope: {"accuracy": 0.0, "macro_f1": 0.0} for scope in ("retained", "known")},
        "fact": {scope: {"exact_match": 1.0} for scope in ("current", "known")},
    }
    assert metrics_by_kind([], [], 0.0) == count_by_kind([]) == {}
