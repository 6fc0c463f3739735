import numpy as np
import pytest

from abreast.core.errors import AbreastError
from abreast.statistics.exact import p_value
from abreast.statistics.sample_size import least_questions, power, questions_needed


@pytest.mark.parametrize(("margin", "least"), [(0.2, 14), (0.1, 29), (0.05, 59), (0.03, 99)])
def test_nothing_lost_shows_a_margin_from_so_many_questions_on(margin, least):
    assert least_questions(-margin, 0.95) == least
    assert p_value(0, 0, least, -margin) <= 0.05 < p_value(0, 0, least - 1, -margin)
    assert (1 - margin) ** least <= 0.05, "the rule of three"


def test_a_gain_takes_five_questions():
    assert least_questions(0.0, 0.95) == 5
    assert power(5, 0.0, 0.95, 0.9, 0.0) == pytest.approx(0.9**5)
    assert power(4, 0.0, 0.95, 1.0, 0.0) == 0.0


def test_power_is_how_often_simulated_answers_show_it():
    drawn = np.random.default_rng(5).multinomial(60, [0.02, 0.03, 0.95], size=4000)
    shown = np.mean([p_value(int(won), int(lost), 60, -0.1) <= 0.05 for won, lost, _ in drawn])
    assert power(60, -0.1, 0.95, 0.02, 0.03) == pytest.approx(shown, abs=0.025)


def test_the_questions_that_a_power_needs_are_the_least_that_have_it():
    needed = questions_needed(-0.2, aimed=0.8, won=0.02, lost=0.05)
    assert all(power(n, -0.2, 0.95, 0.02, 0.05) >= 0.8 for n in range(needed, needed + 10))
    assert power(needed - 1, -0.2, 0.95, 0.02, 0.05) < 0.8
    assert questions_needed(0.0, won=1.0) == 5


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(AbreastError, match="a true difference of -0.1 does not lie above -0.1"):
        questions_needed(-0.1, lost=0.1)
    with pytest.raises(AbreastError, match="more than 1000 questions are needed"):
        questions_needed(-0.01, won=0.1, lost=0.1)
