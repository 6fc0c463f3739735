import pytest

from abreast.evaluation.drift.groups import group_shift


def test_changed_shares_are_a_shift_and_the_largest_comes_first():
    found = group_shift("label", ["loan"] * 30 + ["card"] * 10, ["loan"] * 5 + ["card"] * 30 + ["fee"] * 5, 17)
    assert found.p == pytest.approx(1 / 500)
    assert found.size > 0.5
    assert found.moved[0] == ("loan", 0.75, 0.125)
    assert {name for name, _, _ in found.moved} == {"loan", "card", "fee"}


def test_equal_shares_are_no_shift():
    found = group_shift("kind", ["fact", "text"] * 20, ["fact", "text"] * 10, 17)
    assert found.p > 0.5
    assert found.size == pytest.approx(0.0)


def test_a_single_group_is_not_compared():
    assert group_shift("kind", ["fact"] * 3, ["fact"] * 9, 17) is None
