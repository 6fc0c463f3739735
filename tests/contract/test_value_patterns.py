"""The form of a value, and which fields are regular enough to say anything of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.contract.value_patterns import LEAST, Forms, form

VERSIONS = {f"tool/{n}/latest": f"{n}.{n}.{n}" for n in range(20)}


@pytest.mark.parametrize(
    ("value", "its"),
    [("3.12.4", "9.9.9"), ("2024-10-01", "9-9-9"), ("unknown", "a"), ("8u372", "9a9"), ("三点一 版", "a a"), ("", "")],
)
def test_runs_of_letters_and_of_digits_are_one(value, its):
    assert form(value) == its


@given(st.text(max_size=20))
def test_the_form_of_a_form_is_itself(value):
    assert form(form(value)) == form(value)


def test_a_value_of_a_new_form_is_told_from_others():
    forms = Forms(VERSIONS)
    assert forms.unlike("other/latest", "100.2.31") == 0.0
    assert forms.unlike("other/latest", "unknown") == 1.0
    assert forms.unlike("other/latest", "2024-10-01") == 1.0


def test_of_another_field_or_of_few_values_nothing_is_said():
    assert Forms(VERSIONS).unlike("tool/1/eol", "unknown") is None
    few = dict(list(VERSIONS.items())[: LEAST - 1])
    assert Forms(few).unlike("tool/1/latest", "unknown") is None
    assert Forms(few | {"gone/latest": None}).unlike("tool/1/latest", "unknown") is None, "a withdrawn key has no value"


def test_of_free_text_nothing_is_said():
    texts = {f"{n}/note": "word " * n for n in range(30)}
    assert Forms(texts).unlike("31/note", "Something else.") is None
