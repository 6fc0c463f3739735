import pytest

from abreast.evaluation.drift.groups import shift


def test_other_shares_are_a_shift_and_the_largest_is_told_first():
    found = shift("label", ["loan"] * 30 + ["card"] * 10, ["loan"] * 5 + ["card"] * 30 + ["fee"] * 5, 17)
    assert found.p == pytest.approx(1 / 500)
    assert found.size > 0.5
    assert found.moved[0] == ("loan", 0.75, 0.125)
    assert {name for name, _, _ in found.moved} == {"loan", "card", "fee"}


def test_the_same_shares_are_none():
    found = shift("kind", ["fact", "text"] * 20, ["fact", "text"] * 10, 17)
    assert found.p > 0.5
    assert found.size == pytest.approx(0.0)


def test_one_group_alone_is_nothing_to_compare():
    assert shift("kind", ["fact"] * 3, ["fact"] * 9, 17) is None
