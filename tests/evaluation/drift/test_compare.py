import pytest

from abreast.core.settings import Drift as Knobs
from abreast.evaluation.drift.compare import LEAST, compare, report
from abreast.evaluation.drift.sample import Sample, of_questions
from tests.evaluation.drift.test_two_sample import CAKES, ROADS

KNOWN = Sample(ROADS, {"label": ["road"] * len(ROADS), "kind": ["classification"] * len(ROADS)})


def test_other_texts_are_drift_with_its_size_its_labels_and_its_new_words():
    found = compare("cakes", KNOWN, Sample(CAKES, {"label": ["cake"] * len(CAKES)}), Knobs())
    assert found.shown
    assert found.size > 0.95
    (labels,) = found.shifts
    assert labels.by == "label"
    assert found.new_words == 1.0
    assert "butter" in found.newest
    said = report(found)
    assert "drift is shown: told apart 1.00 (0.5 is by chance, 1 always), p 0.002" in said
    assert "words that are new: 100.0 %" in said


def test_more_of_the_same_is_none():
    found = compare("roads", Sample(ROADS[::2], {}), Sample(ROADS[1::2], {}), Knobs())
    assert not found.shown
    assert "no drift is shown" in report(found)


def test_what_is_significant_but_small_is_not_shown():
    mixed = [*ROADS, *CAKES]
    found = compare("mixed", KNOWN, of_questions(mixed), Knobs(level=0.5, size=0.99))
    assert found.p <= 0.5
    assert not found.shown


def test_too_few_texts_are_not_compared_but_their_words_are_told():
    found = compare("few", KNOWN, of_questions(CAKES[: LEAST - 1]), Knobs())
    assert (found.p, found.size, found.shown) == (None, None, False)
    assert found.new_words == 1.0
    assert f"too few to compare: that takes {LEAST} on either side" in report(found)


def test_nothing_at_all_is_said_so():
    found = compare("none", KNOWN, of_questions([]), Knobs())
    assert found.new_words is None
    assert report(found).startswith(f"none: 0 texts beside {len(ROADS)}")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_comparison_comes_to_the_same(seed):
    one, two = (compare("roads", KNOWN, of_questions(CAKES), Knobs(seed=seed)) for _ in range(2))
    assert one == two
