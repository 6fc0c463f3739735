"""How many questions a margin needs."""

from functools import lru_cache
from math import ceil, log

from numpy import exp
from scipy.special import gammaln, xlog1py, xlogy

from abreast.core.errors import AbreastError
from abreast.statistics.exact import p_table, p_value
from abreast.statistics.mcnemar import mcnemar

MOST = 1000
"""Larger numbers of questions are not tried."""


def least_questions(threshold: float, confidence: float) -> int:
    """The least number of questions that can show a difference above `threshold`.

    For a margin m (a threshold of -m) that both models answer alike: by the gate's test a few more than the "rule of
    three", (1 - m) ** n <= 1 - confidence (Hanley and Lippman-Hand 1983, JAMA 249:1743-1745). For a threshold of 0 or
    more that all are won.

    Args:
        threshold: above -1 and below 1.
    """
    chance = 1 + threshold if threshold < 0 else (1 + threshold) / 2
    asked = ceil(log(1 - confidence) / log(chance) - 1e-9)
    while p_value(asked * (threshold >= 0), 0, asked, threshold) > 1 - confidence + 1e-9:
        asked += 1
    return asked


@lru_cache(maxsize=256)
def power(asked: int, threshold: float, confidence: float, won: float, lost: float) -> float:
    """The chance that so many questions show a difference above `threshold`.

    Summed over all outcomes of the test that the gate itself uses: McNemar's for a threshold of 0, else the exact
    unconditional one (`abreast.statistics.exact`).

    Args:
        won, lost: the true shares of questions that only the candidate, only the champion answers rightly.

    Returns:
        from 0 to 1.
    """
    table = p_table(asked, threshold)
    shown = table.p <= 1 - confidence
    if threshold == 0.0:
        shown = mcnemar(table.won, table.lost) <= 1 - confidence
    more, less = table.won[shown], table.lost[shown]
    rest = asked - more - less
    ways = gammaln(asked + 1) - gammaln(more + 1) - gammaln(less + 1) - gammaln(rest + 1)
    return float(exp(ways + xlogy(more, won) + xlogy(less, lost) + xlog1py(rest, -(won + lost))).sum())


def questions_needed(
    threshold: float, confidence: float = 0.95, aimed: float = 0.8, won: float = 0.0, lost: float = 0.0
) -> int:
    """The least number of questions that show a difference above `threshold` with the power `aimed`.

    Power is not monotone in the number of questions, for outcomes are whole: the least number is meant from which on
    the next nine reach the aim as well.

    Args:
        won, lost: as in `power`; their difference lies above the threshold.

    Raises:
        AbreastError: the true difference does not lie above the threshold, or more than 1,000 questions are needed.
    """
    if won - lost <= threshold:
        raise AbreastError(f"a true difference of {won - lost:g} does not lie above {threshold:g}: nothing shows that")

    def enough(asked: int) -> bool:
        return all(power(n, threshold, confidence, won, lost) >= aimed for n in range(asked, asked + 10))

    low = high = least_questions(threshold, confidence)
    while not enough(high):
        low, high = high, ceil(1.3 * high)
        if high > MOST:
            raise AbreastError(f"more than {MOST} questions are needed to show a difference above {threshold:g}")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high
