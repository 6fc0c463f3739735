"""The form of a value, and which fields are regular enough to say anything of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.contract.value_patterns import MIN_VALUES, ValuePatterns, pattern_of

VERSIONS = {f"tool/{n}/latest": f"{n}.{n}.{n}" for n in range(20)}


@pytest.mark.parametrize(
    ("value", "its"),
    [("3.12.4", "9.9.9"), ("2024-10-01", "9-9-9"), ("unknown", "a"), ("8u372", "9a9"), ("三点一 版", "a a"), ("", "")],
)
def test_each_run_of_letters_or_digits_counts_as_one(value, its):
    assert pattern_of(value) == its


@given(st.text(max_size=20))
def test_the_pattern_of_a_pattern_is_itself(value):
    assert pattern_of(pattern_of(value)) == pattern_of(value)


def test_a_value_with_a_new_pattern_is_detected():
    patterns = ValuePatterns(VERSIONS)
    assert patterns.has_new_pattern("other/latest", "100.2.31") == 0.0
    assert patterns.has_new_pattern("other/latest", "unknown") == 1.0
    assert patterns.has_new_pattern("other/latest", "2024-10-01") == 1.0


def test_an_unknown_field_or_one_with_few_values_is_not_judged():
    assert ValuePatterns(VERSIONS).has_new_pattern("tool/1/eol", "unknown") is None
    few = dict(list(VERSIONS.items())[: MIN_VALUES - 1])
    assert ValuePatterns(few).has_new_pattern("tool/1/latest", "unknown") is None
    assert ValuePatterns(few | {"gone/latest": None}).has_new_pattern("tool/1/latest", "unknown") is None, (
        "a withdrawn key has no value"
    )


def test_free_text_is_not_judged():
    texts = {f"{n}/note": "word " * n for n in range(30)}
    assert ValuePatterns(texts).has_new_pattern("31/note", "Something else.") is None
