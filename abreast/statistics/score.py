"""Tango's score statistic of a difference between paired shares."""

from typing import Any

import numpy as np

_DIGITS = 9
"""Equal outcomes get equal statistics, in spite of rounding."""


def score(won: Any, lost: Any, asked: int, difference: float) -> np.ndarray:
    """By how many standard errors the difference (won - lost) / asked exceeds a supposed one.

    The standard error is that under the supposed difference, with the share of the lost put at its most likely value
    there; for a difference of 0 it is McNemar's statistic (won - lost) / sqrt(won + lost). 0 where nothing can vary
    and the difference is as supposed.
    Source: Tango 1998, "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17:891-908, equations 3 to 5.

    Args:
        won, lost: how many questions only the candidate, only the other model answered rightly; numbers, or arrays of
            one shape. Fractions are allowed, see `abreast.statistics.pairs`.
        asked: how many questions both were asked; at least 1.
        difference: from -1 to 1.

    Returns:
        an array of the shape of `won`.
    """
    won, lost = np.asarray(won, dtype=float), np.asarray(lost, dtype=float)
    linear = (2 * asked - won + lost) * difference - won - lost
    constant = -lost * difference * (1 - difference)
    share = (np.sqrt(np.maximum(linear**2 - 8 * asked * constant, 0.0)) - linear) / (4 * asked)
    variance = np.maximum(asked * (2 * share + difference * (1 - difference)), 0.0)
    above = won - lost - asked * difference
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(np.abs(above) < 10.0**-_DIGITS, 0.0, above / np.sqrt(variance))
    return np.round(found, _DIGITS)
