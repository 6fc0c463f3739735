"""The exact unconditional test of a difference between paired shares, and its interval."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy.special import gammaln, ndtr, xlog1py, xlogy

from abreast.statistics.score import score

_SHARES = 65
"""In so many values of the unknown share of lost questions the largest chance is sought."""
_STEPS = 12
"""Halvings of an interval's end: it is right to 2 ** -12."""
EXACT = 400
"""Of more questions the score is taken as normal: there that holds its level, and takes no time."""


class Interval(NamedTuple):
    """From where to where; each end holds with the confidence that was asked for."""

    low: float
    high: float


class Table(NamedTuple):
    """The p-value of every outcome of so many questions, those that speak most against the null hypothesis first."""

    won: np.ndarray
    lost: np.ndarray
    scores: np.ndarray
    p: np.ndarray


@lru_cache(maxsize=32)
def p_table(asked: int, difference: float) -> Table:
    """The p-values of all outcomes against "the candidate's share is not higher by more than `difference`".

    An outcome's p-value is the largest chance, over all values of the unknown share of lost questions, of one whose
    score (`abreast.statistics.score`) is as high. So the error of the first kind is at most the level, for any
    number of questions. The largest chance is sought in 65 values, closer to each other where few are lost. Of more
    than 400 questions it is the normal tail of the score.
    Source: Hsueh, Liu and Chen 2001, "Unconditional exact tests for equivalence or noninferiority for paired binary
    endpoints", Biometrics 57:478-483; the score by Tango 1998.

    Returns:
        four arrays of shape ((asked + 1) * (asked + 2) / 2,), by falling score.
    """
    won, lost = _outcomes(asked)
    scores = score(won, lost, asked, difference)
    order = np.argsort(-scores, kind="stable")
    won, lost, scores = won[order], lost[order], scores[order]
    if asked > EXACT:
        return Table(won, lost, scores, ndtr(-scores))
    largest, ways = np.zeros(len(scores)), _log_ways(won, lost, asked)
    for share in _shares(difference):
        np.maximum(largest, np.cumsum(_chances(ways, won, lost, asked, share, difference)), out=largest)
    last_of_equals = np.searchsorted(-scores, -scores, side="right") - 1
    return Table(won, lost, scores, np.minimum(largest[last_of_equals], 1.0))


def p_value(won: float, lost: float, asked: int, difference: float) -> float:
    """The p-value of one outcome, see `p_table`; of one with fractions that of the next whole one with a lower score.

    Args:
        won, lost: how many of the questions only the candidate, only the other model answered rightly.
    """
    if asked > EXACT:
        return float(normal_tail(won, lost, asked, difference))
    found = float(score(won, lost, asked, difference))
    table = p_table(asked, difference)
    place = int(np.searchsorted(-table.scores, -found, side="left"))
    return float(table.p[min(place, len(table.p) - 1)])


def normal_tail(won: Any, lost: Any, asked: int, difference: float) -> np.ndarray:
    """The p-values of more than `EXACT` questions; arguments and shape as of `score`."""
    return np.asarray(ndtr(-score(won, lost, asked, difference)))


@lru_cache(maxsize=256)
def interval(won: float, lost: float, asked: int, confidence: float) -> Interval:
    """The differences that the test of `p_table` does not reject, to 2 ** -12.

    Each end by itself holds with `confidence`; both together with 2 * confidence - 1 at least.
    """
    return Interval(_low(won, lost, asked, 1 - confidence), -_low(lost, won, asked, 1 - confidence))


def _low(won: float, lost: float, asked: int, level: float) -> float:
    """The smallest difference that is not rejected as too low."""
    rejected, kept = -1.0, (won - lost) / asked
    for _ in range(_STEPS):
        middle = (rejected + kept) / 2
        if _largest_chance(won, lost, asked, middle) > level:
            kept = middle
        else:
            rejected = middle
    return kept


def _largest_chance(won: float, lost: float, asked: int, difference: float) -> float:
    """The p-value of one outcome, without those of all others."""
    if asked > EXACT:
        return float(normal_tail(won, lost, asked, difference))
    found = score(won, lost, asked, difference)
    all_won, all_lost = _outcomes(asked)
    held = score(all_won, all_lost, asked, difference) >= found
    some = (_log_ways(all_won, all_lost, asked)[held], all_won[held], all_lost[held], asked)
    return max(float(_chances(*some, share, difference).sum()) for share in _shares(difference))


@lru_cache(maxsize=8)
def _outcomes(asked: int) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of won and lost questions that there can be."""
    won, lost = np.meshgrid(np.arange(asked + 1), np.arange(asked + 1), indexing="ij")
    possible = won + lost <= asked
    return won[possible], lost[possible]


def _shares(difference: float) -> np.ndarray:
    """The shares of lost questions that leave room for the difference, closer where they are small."""
    least, most = max(0.0, -difference), (1 - difference) / 2
    return least + (most - least) * np.linspace(0.0, 1.0, _SHARES) ** 2


def _log_ways(won: np.ndarray, lost: np.ndarray, asked: int) -> np.ndarray:
    """The logarithm of the number of orders in which an outcome can come about."""
    return np.asarray(gammaln(asked + 1) - gammaln(won + 1) - gammaln(lost + 1) - gammaln(asked - won - lost + 1))


def _chances(
    ways: np.ndarray, won: np.ndarray, lost: np.ndarray, asked: int, share: float, difference: float
) -> np.ndarray:
    """The chance of each outcome, if `share` of the questions are lost and `share + difference` won."""
    gained = max(share + difference, 0.0)
    both = max(-1.0, -(share + gained))
    return np.asarray(np.exp(ways + xlogy(won, gained) + xlogy(lost, share) + xlog1py(asked - won - lost, both)))
