import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.metrics.answers import exact_match
from abreast.metrics.language import language
from abreast.metrics.numbers import spearman
from abreast.metrics.slices import Slice, score_slices


def test_each_domain_by_itself_with_its_count():
    assert score_slices(exact_match, ["law", None, "care", "law"], ["1", "2", "3", "4"], ["1", "2", "0", "0"]) == [
        Slice("care", 1, 0.0),
        Slice("law", 2, 0.5),
        Slice("(none)", 1, 1.0),
    ]


def test_by_language():
    questions = ["which version?", "哪个版本", "which one?"]
    names = [language(question) for question in questions]
    assert score_slices(exact_match, names, ["1", "2", "3"], ["1", "2", "0"]) == [
        Slice("chinese", 1, 1.0),
        Slice("latin", 2, 0.5),
    ]


def test_an_undefined_score_of_a_slice_stays_undefined():
    assert score_slices(spearman, ["a", "b", "b"], [1, 2, 3], [1, 2, 3]) == [
        Slice("a", 1, None),
        pytest.approx(Slice("b", 2, 1.0)),
    ]


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.booleans())))
def test_the_slices_together_are_the_whole(rows):
    found = score_slices(
        exact_match, [name for name, _ in rows], ["y"] * len(rows), ["y" if hit else "n" for _, hit in rows]
    )
    assert sum(part.count for part in found) == len(rows)
    assert sum(part.count * part.score for part in found) == pytest.approx(sum(hit for _, hit in rows))


def test_columns_must_fit():
    with pytest.raises(AbreastError, match="1 values for 2 names"):
        score_slices(exact_match, ["a", "b"], ["1", "2"], ["1"])
