from abreast.evaluation.metrics import is_exact, is_stale, measure
from tests.learning.project import question


def test_other_punctuation_counts():
    assert not is_exact(question("a", "3.12"), "312")
    assert not is_exact(question("a", "2024-01-02"), "2024 01 02")


def test_stale_is_any_superseded_value_and_nothing_else():
    asked = question("a", "3", stale=("1", "2"))
    assert [is_stale(asked, answer) for answer in ("1", " 2.", "3", "4")] == [True, True, False, False]


def test_each_figure_has_its_own_questions():
    questions = [
        question("a", "1", "current", stale=("0",)),
        question("b", "1", "current"),
        question("c", "1", "retained"),
    ]
    assert measure(questions, ["0", "1", "1"], 20.0) == {
        "current_exact_match": 0.5,
        "retained_exact_match": 1.0,
        "known_exact_match": 2 / 3,
        "stale_rate": 1.0,
        "general_perplexity": 20.0,
    }


def test_nothing_asked_is_not_zero():
    assert set(measure([], [], 1.0).values()) == {None, 1.0}
