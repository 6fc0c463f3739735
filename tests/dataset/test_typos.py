import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.dataset.typos import with_typos

TEXT = "When does support for the latest release of the server end, and who decides about it?"
texts = st.text(st.sampled_from("abcXYZ é.,-3 7\n版本是三"), max_size=40)


def test_the_same_errors_each_time():
    assert with_typos(TEXT, 0.2, 1) == with_typos(TEXT, 0.2, 1) != with_typos(TEXT, 0.2, 2)


def test_pinned_so_that_figures_of_different_days_compare():
    assert with_typos("latest version of Python 3.12.1", 0.2, 7) == "latest verzio o Pyhton 3.12.1"


@given(texts, st.integers(0, 9))
def test_no_rate_no_errors(text, seed):
    assert with_typos(text, 0, seed) == text


@given(texts, st.floats(0, 1), st.integers(0, 9))
def test_words_with_digits_spaces_and_punctuation_stay(text, rate, seed):
    noisy = with_typos(text, rate, seed)
    parts = "[^\\s版本是三]*[37][^\\s版本是三]*|[\\s.,三-]"
    assert re.findall(parts, noisy) == re.findall(parts, text)


@given(texts, st.floats(0, 1), st.integers(0, 9))
def test_no_word_vanishes(text, rate, seed):
    assert len(with_typos(text, rate, seed).split()) == len(text.split())


@pytest.mark.parametrize("kept", ["3.12.1", "v2", "2024-01-02", "CVE-2024-1234", "1,000", "\u0663abc", "--", "?"])
def test_numbers_and_versions_are_never_touched(kept):
    assert all(with_typos(kept, 1.0, seed) == kept for seed in range(50))


def test_a_version_within_chinese_text_is_kept():
    noisy = {with_typos("软件Python3.12的版本发布", 1.0, seed) for seed in range(20)}
    assert len(noisy) > 1
    assert all("Python3.12" in text for text in noisy)


def test_about_the_stated_share_of_letters_is_hit():
    """Letters that differ from both neighbours, so that each error shows as a change of length or of letters."""
    word = "abcdefghij" * 2000
    lost = len(word) - len(with_typos(word, 0.1, 0))
    assert 0.1 * len(word) / 3 == pytest.approx(lost, rel=0.15)


def test_each_kind_of_error_occurs():
    found = {with_typos("go", 0.3, seed) for seed in range(300)}
    assert {"go", "og", "o", "g", "to", "gp"} <= found


def test_no_letter_is_hit_twice():
    """Letters that no key of QWERTY gives: the first two change places and the third goes; or the first goes, and the
    others change places or the second goes too."""
    assert {with_typos("éàü", 1.0, seed) for seed in range(100)} == {"àé", "üà", "ü"}


def test_neighbours_are_on_the_keyboard():
    struck = {with_typos("g", 1.0, seed) for seed in range(300)}
    assert struck == set("tyfhvb")
    assert {with_typos("Q", 1.0, seed) for seed in range(100)} == set("WA")


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(AbreastError, match="noise rate"):
        with_typos("a", rate, 0)
