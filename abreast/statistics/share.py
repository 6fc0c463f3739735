"""The exact test and interval of one share of right answers."""

from scipy.special import betainc, betaincinv

from abreast.statistics.exact import Interval


def p_above(hits: float, asked: int, bar: float) -> float:
    """The chance of so many hits or more if the true share is `bar`: the p-value of "it is no more than the bar".

    The binomial tail as an incomplete beta function, so that a fraction of hits is allowed.

    Args:
        bar: from 0 to 1.
    """
    if not hits or bar >= 1:
        return 1.0
    return float(betainc(hits, asked - hits + 1, bar)) if bar > 0 else 0.0


def p_below(hits: float, asked: int, bar: float) -> float:
    """The chance of so many hits or fewer if the true share is `bar`: the p-value of "it is no less than the bar"."""
    return p_above(asked - hits, asked, 1 - bar)


def share_interval(hits: float, asked: int, confidence: float) -> Interval:
    """The exact interval of a share, each end of which holds with `confidence` by itself.

    Source: Clopper and Pearson 1934, Biometrika 26:404-413.
    """
    level = 1 - confidence
    low = float(betaincinv(hits, asked - hits + 1, level)) if hits else 0.0
    high = float(betaincinv(hits + 1, asked - hits, 1 - level)) if hits < asked else 1.0
    return Interval(low, high)
