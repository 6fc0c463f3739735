import pytest

from abreast.metrics.correctness import answer_metrics, is_right, is_stale
from tests.learning.project import question


def test_other_punctuation_counts():
    assert not is_right(question("a", "3.12"), "312")
    assert not is_right(question("a", "2024-01-02"), "2024 01 02")


@pytest.mark.parametrize(
    ("answer", "tolerance", "right"),
    [("100", 0.0, True), ("100.0", 0.0, True), ("101", 0.0, False), ("105", 0.05, True), ("94.9", 0.05, False)]
    + [("about 100", 0.5, False), ("", 0.5, False)],
)
def test_a_number_is_right_within_the_tolerance(answer, tolerance, right):
    assert is_right(question("a", "100", kind="regression"), answer, tolerance) is right
    assert is_right(question("a", "-100", kind="regression"), f"-{answer}", tolerance) is right


def test_spans_are_right_all_together_in_any_order():
    asked = question("a", "PER: Ada; LOC: Rome", kind="tagging", asked="Ada saw Rome")
    given = ("LOC: Rome; PER: Ada", "PER: Ada", "PER: Ada; LOC: Rome; LOC: saw", "PER Ada, LOC Rome", "none")
    assert [is_right(asked, answer) for answer in given] == [True, False, False, False, False]


def test_a_superseded_number_or_span_is_stale_in_any_form():
    number = question("a", "3", stale=("1.5",), kind="regression")
    assert [is_stale(number, answer) for answer in ("1.50", "3", "x", "")] == [True, False, False, False]
    spans = question("a", "PER: Ada", stale=("LOC: Ada",), kind="tagging", asked="Ada ran")
    assert [is_stale(spans, answer) for answer in ("loc: ada", "PER: Ada", "")] == [True, False, False]


def test_stale_is_any_superseded_value_and_nothing_else():
    asked = question("a", "3", stale=("1", "2"))
    assert [is_stale(asked, answer) for answer in ("1", " 2.", "3", "4")] == [True, True, False, False]


def test_each_measure_has_its_own_questions():
    questions = [
        question("a", "1", "current", stale=("0",)),
        question("b", "1", "current"),
        question("c", "1", "retained"),
    ]
    assert answer_metrics(questions, ["0", "1", "1"]) == {
        "current_exact_match": 0.5,
        "retained_exact_match": 1.0,
        "known_exact_match": 2 / 3,
        "stale_rate": 1.0,
    }


def test_nothing_asked_is_not_zero():
    assert set(answer_metrics([], []).values()) == {None}
