import pytest

from abreast.core.errors import AbreastError
from abreast.metrics.answers import exact_match, normalised, outdated, same, share


@pytest.mark.parametrize(
    ("given", "wanted"),
    [(" 3.12.1 ", "3.12.1"), ("Not  Announced.", "not announced"), ("3.12.", "3.12"), ("STRASSE", "straße")]
    + [("北京。", "北京"), ("\u3000３．１２ ", "3.12"), ("ＡＰＩ　网关．", "api 网关")],
)
def test_case_spaces_and_a_last_full_stop_do_not_count(given, wanted):
    assert normalised(given) == normalised(wanted)


@pytest.mark.parametrize(("expected", "given"), [("3.12", "312"), ("2024-01-02", "2024 01 02"), ("the end", "end")])
def test_other_punctuation_and_articles_count(expected, given):
    assert not same(expected, given)


def test_outdated_is_any_superseded_value_and_nothing_else():
    assert [outdated(("1", "2"), answer) for answer in ("1", " 2.", "3")] == [True, True, False]
    assert not outdated((), "1")


def test_exact_match_by_hand():
    assert exact_match(["3.12", "Paris", "yes"], ["3.12.", "paris", "no"]) == pytest.approx(2 / 3)


def test_nothing_asked_is_not_zero():
    assert exact_match([], []) is None
    assert share([]) is None


def test_answers_must_pair_with_questions():
    with pytest.raises(AbreastError, match="1 answers to 2 questions"):
        exact_match(["a", "b"], ["a"])
