import numpy as np
import pytest
from scipy.sparse import csr_matrix

from abreast.evaluation.drift.two_sample import PERMUTATIONS, classifier_auc, mmd_test, tfidf_rows

ROADS = [f"The {way} road to {town} is closed" for way in ("north", "south", "old") for town in "ABCDEFGH"]
CAKES = [f"Bake {count} {kind} cakes with butter" for count in range(8) for kind in ("lemon", "plum", "nut")]


def test_texts_become_rows_of_length_one_even_without_letters():
    rows = tfidf_rows([*ROADS[:3], "!", "道路は閉鎖"])
    assert rows.shape[0] == 5
    assert np.asarray(rows.multiply(rows).sum(axis=1)).ravel() == pytest.approx(np.ones(5))


def test_two_kinds_of_text_are_separated_with_the_smallest_p_value():
    rows = tfidf_rows([*ROADS, *CAKES])
    found, p = mmd_test(rows, len(ROADS), 17)
    assert found > 0.1
    assert p == 1 / (PERMUTATIONS + 1)
    assert classifier_auc(rows, len(ROADS), 17) > 0.95


def test_the_statistic_is_that_of_the_paper():
    rows = csr_matrix(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    found, _ = mmd_test(rows, 2, 17)
    assert found == pytest.approx(2 - 2 * np.exp(-1.0)), "all that differ are as far apart as the median"


def test_the_same_texts_twice_show_no_drift():
    rows = tfidf_rows([*ROADS, *ROADS])
    found, p = mmd_test(rows, len(ROADS), 17)
    assert found == pytest.approx(0.0, abs=1e-12)
    assert p == 1.0


def test_the_false_positive_rate_is_at_most_the_level():
    random, texts = np.random.default_rng(17), np.array([*ROADS, *CAKES])
    found = []
    for _ in range(200):
        order = random.permutation(len(texts))
        found.append(mmd_test(tfidf_rows(list(texts[order])), 20, int(random.integers(2**31)))[1])
    assert np.mean(np.array(found) <= 0.05) <= 0.09, "5 %, and what 200 drawings may add"
    assert np.mean(np.array(found) <= 0.5) >= 0.35
