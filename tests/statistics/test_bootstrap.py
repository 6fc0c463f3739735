import math

import numpy as np
import pytest
from scipy.stats import t

from abreast.statistics.bootstrap import bootstrap


def test_of_a_symmetric_sample_it_is_near_students_interval():
    drawn = np.random.default_rng(3).normal(0.2, 1.0, size=80)
    low, high = bootstrap(list(drawn), [1.0] * 80, 0.95)
    half = t.ppf(0.95, 79) * drawn.std(ddof=1) / math.sqrt(80)
    assert (low, high) == pytest.approx((drawn.mean() - half, drawn.mean() + half), abs=0.03)
    assert bootstrap(list(drawn), [1.0] * 80, 0.95) == (low, high), "the seed is fixed"


def test_weights_are_those_of_the_mean():
    """Every key that weighs three times as much counts as three alike, drawn together."""
    low, high = bootstrap([0.0, 1.0] * 20, [3.0, 1.0] * 20, 0.95)
    assert low < 0.25 < high
    assert high < 0.5 < bootstrap([0.0, 1.0] * 20, [1.0, 1.0] * 20, 0.95).high


def test_what_does_not_vary_has_a_point_and_one_key_says_nothing():
    assert bootstrap([0.3] * 5, [1.0, 2.0, 3.0, 4.0, 5.0], 0.95) == (0.3, 0.3)
    assert bootstrap([0.3], [1.0], 0.95) == (-math.inf, math.inf)


def test_few_keys_say_little():
    """Of three keys the smallest and the largest are as far as the interval of means can reach."""
    low, high = bootstrap([0.1, 0.2, 0.4], [1.0, 1.0, 1.0], 0.95)
    assert (low, high) == pytest.approx((0.1, 0.4))
