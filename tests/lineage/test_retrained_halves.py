"""Halving; that real stages find the drop is shown in `test_poison.py`."""

import pytest

from abreast.lineage.retrained_halves import halved


@pytest.mark.parametrize("guilty", [{"c"}, {"a"}, {"a", "d"}, {"b", "c"}])
def test_halves_are_learned_again_until_the_guilty_are_alone(guilty):
    tried = []

    def fall(drops):
        tried.append("".join(drops))
        return 0.2 if guilty <= set(drops) else 0.01 * len(drops)

    assert set(halved(tuple("abcd"), fall, 0.1)) == (guilty if len(guilty) == 1 else set("abcd"))
    assert len(tried) <= 4


def test_of_two_that_hurt_the_worse_is_followed():
    falls = {"a": 0.12, "b": 0.0, "c": 0.0, "d": 0.3}
    assert halved(tuple("abcd"), lambda drops: max(falls[drop] for drop in drops), 0.1) == ("d",)
