import numpy as np
import pytest
from scipy.stats import binomtest

from abreast.statistics.mcnemar import mcnemar


def test_it_is_a_sign_test_on_what_differs():
    for won in range(12):
        for lost in range(12):
            known = binomtest(won, won + lost, 0.5, alternative="greater").pvalue if won + lost else 1.0
            assert float(mcnemar(won, lost)) == pytest.approx(known)


def test_five_won_and_none_lost_is_the_least_that_shows_a_gain():
    assert mcnemar(np.array([4, 5]), np.array([0, 0])).tolist() == [1 / 16, 1 / 32]
