from math import nextafter

import numpy
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve

from abreast.core.errors import AbreastError
from abreast.metrics.calibration import ReliabilityBin, calibration, expected_calibration_error, reliability

answered = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30)


def test_by_hand():
    """Two bins: (0, 0.5] holds 0.2 and 0.4, one right; (0.5, 1] holds 0.9 and 0.7, both right."""
    confidences, hits = [0.2, 0.9, 0.4, 0.7], [False, True, True, True]
    low, high = reliability(confidences, hits, 2)
    assert low.model_dump() == {"low": 0, "high": 0.5, "count": 2, "confidence": pytest.approx(0.3), "accuracy": 0.5}
    assert high.model_dump() == {"low": 0.5, "high": 1, "count": 2, "confidence": pytest.approx(0.8), "accuracy": 1}
    assert expected_calibration_error(confidences, hits, 2) == pytest.approx((2 * 0.2 + 2 * 0.2) / 4)


def test_bins_are_closed_above():
    assert [b.count for b in reliability([0.0, 0.5, 0.50001, 1.0], [True] * 4, 2)] == [2, 2]


def test_an_edge_is_in_the_bin_below_whatever_the_rounding():
    """7 / 25 * 25 is above 7 in floats, and the next float after 1 / 3, times 3, is 1."""
    assert reliability([7 / 25], [True], 25)[0].high == 7 / 25
    assert reliability([nextafter(1 / 3, 1)], [True], 3)[0].low == 1 / 3


def test_a_model_whose_confidence_is_its_accuracy_is_calibrated():
    assert expected_calibration_error([0.75] * 4, [True, True, True, False]) == 0
    assert expected_calibration_error([1.0] * 4, [False] * 4) == 1


@given(answered, st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_scikit_learn_draws_the_same_diagram(pairs, bins):
    confidences, hits = [c for c, _ in pairs], [hit for _, hit in pairs]
    found = reliability(confidences, hits, bins)
    edges = numpy.linspace(0, 1, bins + 1)
    assume(all(c in (0, 1) or abs(c - edge) > 1e-12 for c in confidences for edge in edges))
    accuracies, means = calibration_curve(hits, confidences, n_bins=bins)
    assert [b.accuracy for b in found] == pytest.approx(list(accuracies))
    assert [b.confidence for b in found] == pytest.approx(list(means))
    assert sum(b.count for b in found) == len(pairs)


@given(answered, st.integers(1, 20))
def test_one_error_and_every_answer_within_its_bin(pairs, bins):
    confidences, hits = [c for c, _ in pairs], [hit for _, hit in pairs]
    found = reliability(confidences, hits, bins)
    for one in found:
        assert sum(one.low < c <= one.high or c == one.low == 0 for c in confidences) == one.count
    assert 0 <= expected_calibration_error(confidences, hits, bins) <= 1


def test_nothing_asked_is_not_zero():
    assert expected_calibration_error([], []) is None
    assert calibration([], []) is None
    assert calibration([None], [True]) is None


def test_answers_of_unknown_confidence_are_left_out():
    found = calibration([1.0, None, 1.0], [True, True, False])
    assert (found.questions, found.expected_calibration_error) == (2, 0.5)
    assert found.bins == (ReliabilityBin(low=14 / 15, high=1.0, count=2, confidence=1.0, accuracy=0.5),)


@pytest.mark.parametrize(
    ("confidences", "bins", "message"),
    [([1.5], 15, "confidence 1.5"), ([float("nan")], 15, "confidence nan"), ([0.5], 0, "bins 0"), ([], 15, "to each")],
)
def test_numbers_outside_0_to_1_are_refused_as_confidences(confidences, bins, message):
    with pytest.raises(AbreastError, match=message):
        reliability(confidences, [True], bins)
