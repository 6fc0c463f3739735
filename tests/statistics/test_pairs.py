import numpy as np
import pytest

from abreast.statistics.exact import p_value
from abreast.statistics.pairs import Pairs, pair, votes

KEYS = ["a", "a", "a", "b", "c", "c"]
MINE = [True, True, False, True, False, False]
THEIRS = [True, False, False, True, True, False]


def test_every_key_counts_as_one():
    """Of `a` the candidate knows 2/3 and the other 1/3; `b` both; `c` nothing and one half."""
    pairs = pair(KEYS, MINE, THEIRS)
    assert pairs == Pairs(3, pytest.approx(1 / 3), pytest.approx(1 / 2), pytest.approx(5 / 9), pytest.approx(11 / 18))
    assert pairs.difference == pytest.approx(5 / 9 - 11 / 18)
    assert votes(KEYS, MINE, THEIRS) == (1, 1)


def test_the_level_holds_where_questions_on_a_key_hang_together():
    """Half of the keys are asked four times; a tenth of the keys are lost on balance, some in part."""
    random = np.random.default_rng(11)
    keys = [f"{n}" for n in range(40) for _ in range(4 if n % 2 else 1)]
    rejected = 0
    for _ in range(400):
        lost = random.random(40) < np.where(np.arange(40) % 2, 0.2, 0.1)
        partly = [bool(lost[int(key)]) and (int(key) % 2 == 0 or bool(random.random() < 0.5)) for key in keys]
        pairs = pair(keys, [not one for one in partly], [True] * len(keys))
        rejected += p_value(pairs.won, pairs.lost, pairs.keys, -0.1) <= 0.05
    assert rejected / 400 <= 0.05
