import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.metrics.likelihood import perplexity

texts = st.lists(st.lists(st.floats(-20, 0), min_size=1, max_size=8), min_size=1, max_size=5)


def test_a_fair_die_has_perplexity_six():
    assert perplexity([math.log(1 / 6)] * 2, [10, 3]) == pytest.approx(6)


def test_a_text_counts_by_its_tokens():
    assert perplexity([math.log(1 / 2), math.log(1 / 8)], [3, 1]) == pytest.approx(2 ** (6 / 4))


@given(texts)
def test_cutting_texts_elsewhere_changes_nothing(tokens):
    means, counts = [sum(text) / len(text) for text in tokens], [len(text) for text in tokens]
    flat = [value for text in tokens for value in text]
    assert perplexity(means, counts) == pytest.approx(perplexity(flat, [1] * len(flat)))


def test_no_token_is_no_figure():
    assert perplexity([], []) is None
    assert perplexity([0.0], [0]) is None


def test_a_perplexity_too_large_for_a_float_is_infinite():
    assert perplexity([-1e6], [1]) == math.inf


def test_a_likelihood_above_one_is_refused():
    with pytest.raises(AbreastError, match="log-likelihood 0.5"):
        perplexity([-1.0, 0.5], [1, 1])
