import numpy as np
import pytest
from scipy.sparse import csr_matrix

from abreast.evaluation.drift.two_sample import PERMUTATIONS, embed, mmd_test, told_apart

ROADS = [f"The {way} road to {town} is closed" for way in ("north", "south", "old") for town in "ABCDEFGH"]
CAKES = [f"Bake {count} {kind} cakes with butter" for count in range(8) for kind in ("lemon", "plum", "nut")]


def test_texts_are_rows_of_length_one_also_where_no_letter_is():
    rows = embed([*ROADS[:3], "!", "道路は閉鎖"])
    assert rows.shape[0] == 5
    assert np.asarray(rows.multiply(rows).sum(axis=1)).ravel() == pytest.approx(np.ones(5))


def test_two_kinds_of_text_are_told_apart_and_the_p_value_is_the_least_there_is():
    rows = embed([*ROADS, *CAKES])
    found, p = mmd_test(rows, len(ROADS), 17)
    assert found > 0.1
    assert p == 1 / (PERMUTATIONS + 1)
    assert told_apart(rows, len(ROADS), 17) > 0.95


def test_the_statistic_is_that_of_the_paper():
    rows = csr_matrix(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    found, _ = mmd_test(rows, 2, 17)
    assert found == pytest.approx(2 - 2 * np.exp(-1.0)), "all that differ are as far apart as the median"


def test_the_same_texts_twice_are_no_drift():
    rows = embed([*ROADS, *ROADS])
    found, p = mmd_test(rows, len(ROADS), 17)
    assert found == pytest.approx(0.0, abs=1e-12)
    assert p == 1.0


def test_the_level_is_held_where_there_is_no_drift():
    random, texts = np.random.default_rng(17), np.array([*ROADS, *CAKES])
    found = []
    for _ in range(200):
        order = random.permutation(len(texts))
        found.append(mmd_test(embed(list(texts[order])), 20, int(random.integers(2**31)))[1])
    assert np.mean(np.array(found) <= 0.05) <= 0.09, "5 %, and what 200 drawings may add"
    assert np.mean(np.array(found) <= 0.5) >= 0.35
