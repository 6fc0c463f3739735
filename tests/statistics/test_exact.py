from math import factorial

import numpy as np
import pytest

from abreast.statistics import exact
from abreast.statistics.exact import interval, p_table, p_value
from abreast.statistics.score import score


def chance(won, lost, asked, gained, share):
    """Of one outcome, by the multinomial formula."""
    alike = asked - won - lost
    ways = factorial(asked) / (factorial(won) * factorial(lost) * factorial(alike))
    return ways * gained**won * share**lost * max(0.0, 1 - gained - share) ** alike


def outcomes(asked):
    return [(won, lost) for won in range(asked + 1) for lost in range(asked + 1 - won)]


@pytest.mark.parametrize("difference", [-0.2, 0.0, 0.15])
def test_p_values_are_those_of_a_plain_enumeration(difference):
    asked, shares = 6, np.linspace(max(0.0, -difference), (1 - difference) / 2, 801)
    for won, lost in outcomes(asked):
        found = float(score(won, lost, asked, difference))
        as_high = [one for one in outcomes(asked) if float(score(*one, asked, difference)) >= found]
        largest = max(sum(chance(*one, asked, share + difference, share) for one in as_high) for share in shares)
        assert p_value(won, lost, asked, difference) == pytest.approx(largest, abs=2e-3)


@pytest.mark.parametrize(("asked", "difference"), [(12, -0.2), (30, -0.1), (44, -0.1), (60, -0.03), (25, 0.0)])
def test_the_level_is_held_whatever_is_lost(asked, difference):
    table = p_table(asked, difference)
    shown = table.p <= 0.05
    rejected = list(zip(table.won[shown].tolist(), table.lost[shown].tolist(), strict=True))
    for share in np.linspace(max(0.0, -difference), (1 - difference) / 2, 97):
        assert sum(chance(*one, asked, share + difference, share) for one in rejected) <= 0.0505


def test_the_normal_score_would_not_hold_it():
    """One of 44 lost would show a loss below 10 %, and comes about in 5.7 % of cases where it is 10 %."""
    assert score(0, 1, 44, -0.1) > 1.645
    assert p_value(0, 1, 44, -0.1) == pytest.approx(0.9**44 + 44 * 0.1 * 0.9**43, abs=1e-4)


@pytest.mark.parametrize(("won", "lost", "asked"), [(0, 0, 44), (0, 12, 63), (3, 1, 50), (19, 0, 19)])
def test_an_interval_holds_what_is_not_rejected(won, lost, asked):
    low, high = interval(won, lost, asked, 0.95)
    assert low <= (won - lost) / asked <= high
    assert (-high, -low) == interval(lost, won, asked, 0.95)
    for end, sides in ((low, (won, lost)), (-high, (lost, won))):
        assert p_value(*sides, asked, max(-0.999, end - 0.002)) <= 0.05 or end == -1.0
        assert p_value(*sides, asked, end + 0.002) >= 0.05


def test_of_many_questions_the_normal_score_is_as_good(monkeypatch):
    exactly = p_value(4, 15, 400, -0.05)
    monkeypatch.setattr(exact, "EXACT", 399)
    assert p_value(4, 15, 400, -0.05) == pytest.approx(exactly, abs=0.01)
    low, high = interval(4.0, 15.0, 400, 0.949)
    assert p_value(4, 15, 400, low) == pytest.approx(0.051, abs=0.002)
    assert p_table.__wrapped__(400, -0.05).p[0] == pytest.approx(0.0, abs=1e-9)


def test_fractions_lie_between_the_whole_outcomes():
    assert p_value(0, 0, 44, -0.1) < p_value(0.0, 0.5, 44, -0.1) < p_value(0, 1, 44, -0.1)
    assert interval(0.0, 1.0, 44, 0.95).low < interval(0.0, 0.5, 44, 0.95).low < interval(0.0, 0.0, 44, 0.95).low
