from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.statistics.holm import holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_it_is_the_closed_test_by_bonferroni(p_values):
    """One is rejected if every set with it is, by its smallest p-value times its size (Marcus et al. 1976)."""
    places = range(len(p_values))
    sets = list(chain.from_iterable(combinations(places, size) for size in range(1, len(p_values) + 1)))
    closed = [max(min(1, len(s) * min(p_values[n] for n in s)) for s in sets if place in s) for place in places]
    assert holm(p_values) == pytest.approx(closed)


def test_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
