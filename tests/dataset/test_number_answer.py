import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.dataset.number_answer import number_answer, read_number


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (850.0, "850"),
        (0.125, "0.125"),
        (-3.50, "-3.5"),
        (0.1 + 0.2, "0.3"),
        (-0.0, "0"),
        (1234567.8, "1234570"),
        (0.00001, "0.00001"),
        (1e-9, "1e-09"),
        (2.5e300, "2.5e+300"),
    ],
)
def test_one_short_form(number, answer):
    assert number_answer(number) == answer


@pytest.mark.parametrize(
    ("answer", "number"),
    [("850", 850), (" +0.50 ", 0.5), ("850.", 850), (".5", 0.5), ("1E3", 1000), ("-2.5e-3", -0.0025)],
)
def test_any_usual_form_is_read(answer, number):
    assert read_number(answer) == number


@pytest.mark.parametrize("answer", ["", "nan", "inf", "1e999", "1_000", "12 rooms", "about 5", "1,5", "--5", "٣", "."])
def test_anything_else_is_no_number(answer):
    assert read_number(answer) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_comes_back(number):
    back = read_number(number_answer(number))
    assert math.isclose(back, number, rel_tol=1e-5, abs_tol=1e-323)
    assert number_answer(back) == number_answer(number)


@given(st.text())
def test_nothing_is_ever_refused(answer):
    assert read_number(answer) is None or math.isfinite(read_number(answer))
