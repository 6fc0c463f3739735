import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.metrics.retention import (
    EMPTY,
    RetentionMatrix,
    average_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
)

FIGURES = (average_accuracy, backward_transfer, forward_transfer, forgetting)


def square(scores, base=None):
    """One version for each drop, as in the papers."""
    size = len(scores)
    return RetentionMatrix(
        versions=tuple(f"v{row}" for row in range(size)),
        drops=tuple(f"d{row}" for row in range(size)),
        learned=tuple(range(size)),
        scores=tuple(map(tuple, scores)),
        base=tuple(base or [None] * size),
    )


AVALANCHE = [[1.0, 0.0, 0.0], [0.5, 0.8, 1.0], [0.2, 1.0, 0.5]]
"""The matrix of Avalanche's own test of forgetting; it expects 0.8 for the first drop and -0.2 for the second."""


def test_avalanches_matrix():
    matrix = square(AVALANCHE, [0.1, 0.2, 0.3])
    assert forgetting(matrix) == pytest.approx((0.8 - 0.2) / 2)
    assert backward_transfer(matrix) == pytest.approx(-(0.8 - 0.2) / 2)
    assert average_accuracy(matrix) == pytest.approx((0.2 + 1.0 + 0.5) / 3)
    assert forward_transfer(matrix) == pytest.approx(((0.0 - 0.2) + (1.0 - 0.3)) / 2)


def test_forgetting_is_from_the_best_there_ever_was():
    """Chaudhry et al. take the maximum over earlier versions, where GEM takes the version that learned the drop."""
    matrix = square([[0.6, 0.0, 0.0], [0.9, 0.5, 0.0], [0.7, 0.4, 0.8]])
    assert forgetting(matrix) == pytest.approx(((0.9 - 0.7) + (0.5 - 0.4)) / 2)
    assert backward_transfer(matrix) == pytest.approx(((0.7 - 0.6) + (0.4 - 0.5)) / 2)


scores = st.floats(0, 1)


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(st.lists(scores, min_size=n, max_size=n), min_size=n + 1, max_size=n + 1)
    )
)
def test_as_gems_own_program_counts(rows):
    """Its `confusion_matrix` averages over all drops, counting zero where there is nothing to compare."""
    base, *rows = rows
    size, matrix = len(rows), square(rows, base)
    assert average_accuracy(matrix) == pytest.approx(sum(rows[-1]) / size)
    if size > 1:
        back = sum(rows[-1][t] - rows[t][t] for t in range(size)) / size
        forward = sum(rows[t - 1][t] - base[t] for t in range(1, size)) / size
        assert backward_transfer(matrix) == pytest.approx(back * size / (size - 1))
        assert forward_transfer(matrix) == pytest.approx(forward * size / (size - 1))
        assert forgetting(matrix) >= -backward_transfer(matrix) - 1e-12


def test_a_version_may_learn_several_drops():
    matrix = EMPTY.with_version("v1", {"a": 0.9, "b": 0.7}, ["a", "b"], {"a": 0.1, "b": 0.0})
    assert (backward_transfer(matrix), forward_transfer(matrix), forgetting(matrix)) == (None, None, None)
    matrix = matrix.with_version("v2", {"a": 0.8, "b": 0.7, "c": 1.0}, ["c"], {"c": 0.2})
    assert matrix.learned == (0, 0, 1)
    assert matrix.scores == ((0.9, 0.7, None), (0.8, 0.7, 1.0))
    assert average_accuracy(matrix) == pytest.approx(2.5 / 3)
    assert backward_transfer(matrix) == pytest.approx(-0.05)
    assert forward_transfer(matrix) is None


def test_missing_scores_are_left_out():
    matrix = square([[0.9, None, 0.3], [None, 0.8, None], [None, 0.6, 0.7]], [0.1, 0.1, 0.1])
    assert average_accuracy(matrix) == pytest.approx(0.65)
    assert backward_transfer(matrix) == pytest.approx(-0.2)
    assert forgetting(matrix) == pytest.approx(0.2)
    assert forward_transfer(matrix) is None


@pytest.mark.parametrize("figure", FIGURES)
def test_no_version_is_no_figure(figure):
    assert figure(EMPTY) is None


def test_until_gives_the_matrix_after_an_earlier_version():
    matrix = square(AVALANCHE, [0.1, 0.2, 0.3])
    assert matrix.until("v2") == matrix
    assert matrix.until("v1") == square([[1.0, 0.0], [0.5, 0.8]], [0.1, 0.2])
    with pytest.raises(AbreastError, match="no version v9"):
        matrix.until("v9")


def test_a_matrix_that_does_not_fit_is_refused():
    fields = square(AVALANCHE).model_dump()
    for wrong in ({"versions": ("v0", "v1")}, {"learned": (0, 1)}, {"base": (0.0,)}, {"learned": (0, 1, 3)}):
        with pytest.raises(AbreastError, match="retention matrix"):
            RetentionMatrix(**fields | wrong)


def test_names_are_there_once_and_scores_have_their_drop():
    matrix = EMPTY.with_version("v1", {"a": 1.0}, ["a"])
    with pytest.raises(AbreastError, match="twice"):
        matrix.with_version("v1", {})
    with pytest.raises(AbreastError, match="twice"):
        matrix.with_version("v2", {}, ["a"])
    with pytest.raises(AbreastError, match=r"\['b'\]"):
        matrix.with_version("v2", {"b": 1.0})
    with pytest.raises(AbreastError, match=r"\['a'\]"):
        matrix.with_version("v2", {}, base={"a": 1.0})
