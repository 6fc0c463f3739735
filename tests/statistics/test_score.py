import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from abreast.statistics.score import score


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (3, 0), (0, 5), (3, 9), (10, 10)])
@pytest.mark.parametrize("difference", [-0.3, -0.1, -0.03, 0.05, 0.4])
def test_the_share_of_the_lost_is_the_most_likely_one(won, lost, difference):
    """The statistic from a share that is found by search."""
    asked = 40

    def unlikely(share):
        chances = np.array([share + difference, share, 1 - 2 * share - difference])
        counts = np.array([won, lost, asked - won - lost])
        return -np.sum(counts[counts > 0] * np.log(np.maximum(chances[counts > 0], 1e-300)))

    bounds = (max(0.0, -difference), (1 - difference) / 2)
    share = minimize_scalar(unlikely, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
    error = np.sqrt(asked * (2 * share + difference - difference**2))
    assert score(won, lost, asked, difference) == pytest.approx((won - lost - asked * difference) / error, rel=1e-4)


def test_of_no_difference_it_is_mcnemars():
    assert score(9, 3, 50, 0.0) == pytest.approx(6 / np.sqrt(12))
    assert score(0, 0, 50, 0.0) == 0.0


def test_the_other_model_sees_it_the_other_way_round():
    won, lost = np.array([0, 3, 7]), np.array([2, 9, 0])
    assert score(won, lost, 30, -0.1) == pytest.approx(-score(lost, won, 30, 0.1))
