import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error as sklearn_error

from abreast.core.errors import AbreastError
from abreast.metrics.numbers import mean_absolute_error, spearman

values = st.integers(-50, 50)
pairs = st.lists(st.tuples(values, values), min_size=1, max_size=20)


def ranks(numbers):
    """Equal numbers share the mean of their ranks."""
    return [sum(n < m for n in numbers) + (sum(n == m for n in numbers) + 1) / 2 for m in numbers]


def pearson(left, right):
    middle_left, middle_right = sum(left) / len(left), sum(right) / len(right)
    left, right = [n - middle_left for n in left], [n - middle_right for n in right]
    return sum(a * b for a, b in zip(left, right, strict=True)) / (
        sum(a * a for a in left) ** 0.5 * sum(b * b for b in right) ** 0.5
    )


def test_absolute_error_of_scikit_learns_documentation():
    assert mean_absolute_error([3, -0.5, 2, 7], [2.5, 0.0, 2, 8]) == 0.5


def test_ranks_by_hand():
    """IQ and hours of television, a textbook case: sum of squared rank differences 194, 1 - 6 * 194 / (10 * 99)."""
    iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    assert spearman(iq, hours) == pytest.approx(-29 / 165)


@given(pairs)
@settings(max_examples=50, deadline=None)
def test_as_counted_by_the_definition(numbers):
    expected, predicted = [a for a, _ in numbers], [b for _, b in numbers]
    assert mean_absolute_error(expected, predicted) == pytest.approx(sklearn_error(expected, predicted))
    found = spearman(expected, predicted)
    if len(set(expected)) > 1 and len(set(predicted)) > 1:
        assert found == pytest.approx(pearson(ranks(expected), ranks(predicted)))
    else:
        assert found is None


def test_only_the_order_counts():
    assert spearman([1, 2, 3], [1, 10, 1000]) == pytest.approx(1)
    assert spearman([1, 2, 3], [0.3, 0.2, 0.1]) == pytest.approx(-1)


def test_equal_numbers_have_no_correlation():
    assert spearman([], []) is None
    assert spearman([1.0], [2.0]) is None
    assert spearman([1.0, 2.0], [3.0, 3.0]) is None
    assert mean_absolute_error([], []) is None


@pytest.mark.parametrize("measure", [mean_absolute_error, spearman])
def test_numbers_must_pair(measure):
    with pytest.raises(AbreastError, match="one to each"):
        measure([1.0, 2.0], [1.0])
