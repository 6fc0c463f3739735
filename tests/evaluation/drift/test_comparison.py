import pytest

from abreast.core.settings import Drift as Knobs
from abreast.evaluation.drift.comparison import MIN_TEXTS, compare_samples, drift_report
from abreast.evaluation.drift.sample import TextSample, sample_of_questions
from tests.evaluation.drift.test_two_sample import CAKES, ROADS

KNOWN = TextSample(ROADS, {"label": ["road"] * len(ROADS), "kind": ["classification"] * len(ROADS)})


def test_different_texts_are_drift_with_size_label_shift_and_new_words():
    found = compare_samples("cakes", KNOWN, TextSample(CAKES, {"label": ["cake"] * len(CAKES)}), Knobs())
    assert found.shown
    assert found.size > 0.95
    (labels,) = found.shifts
    assert labels.by == "label"
    assert found.new_words == 1.0
    assert "butter" in found.newest
    text = drift_report(found)
    assert "drift is shown: AUC 1.00 (0.5 is chance, 1 is certain), p 0.002" in text
    assert "new words: 100.0 %" in text


def test_similar_texts_are_no_drift():
    found = compare_samples("roads", TextSample(ROADS[::2], {}), TextSample(ROADS[1::2], {}), Knobs())
    assert not found.shown
    assert "no drift is shown" in drift_report(found)


def test_a_significant_but_small_drift_is_not_shown():
    mixed = [*ROADS, *CAKES]
    found = compare_samples("mixed", KNOWN, sample_of_questions(mixed), Knobs(p_value=0.5, min_auc=0.99))
    assert found.p <= 0.5
    assert not found.shown


def test_too_few_texts_are_not_compared_but_their_new_words_are_listed():
    found = compare_samples("few", KNOWN, sample_of_questions(CAKES[: MIN_TEXTS - 1]), Knobs())
    assert (found.p, found.size, found.shown) == (None, None, False)
    assert found.new_words == 1.0
    assert f"too few to compare: both sides need {MIN_TEXTS}" in drift_report(found)


def test_an_empty_sample_has_a_report():
    found = compare_samples("none", KNOWN, sample_of_questions([]), Knobs())
    assert found.new_words is None
    assert drift_report(found).startswith(f"none: 0 texts compared with {len(ROADS)}")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_comparison_is_deterministic(seed):
    one, two = (compare_samples("roads", KNOWN, sample_of_questions(CAKES), Knobs(seed=seed)) for _ in range(2))
    assert one == two
