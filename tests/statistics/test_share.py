import pytest
from scipy.stats import binomtest

from abreast.statistics.share import p_above, p_below, share_interval


@pytest.mark.parametrize(("hits", "asked"), [(0, 7), (7, 7), (11, 15), (59, 63), (1, 200)])
def test_tails_and_intervals_are_those_of_the_binomial(hits, asked):
    for bar in (0.05, 0.5, 0.9):
        assert p_above(hits, asked, bar) == pytest.approx(binomtest(hits, asked, bar, alternative="greater").pvalue)
        assert p_below(hits, asked, bar) == pytest.approx(binomtest(hits, asked, bar, alternative="less").pvalue)
    known = binomtest(hits, asked).proportion_ci(0.9, method="exact")
    assert share_interval(hits, asked, 0.95) == pytest.approx((known.low, known.high))


def test_a_bar_at_the_end_of_the_scale():
    assert (p_above(5, 5, 1.0), p_above(0, 5, 0.0), p_above(1, 5, 0.0)) == (1.0, 1.0, 0.0)
    assert (p_below(5, 5, 1.0), p_below(4, 5, 1.0)) == (1.0, 0.0)
