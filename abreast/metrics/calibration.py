"""Calibration: whether the confidence of a model agrees with how often it is correct."""

from collections.abc import Sequence
from math import ceil
from statistics import fmean

from pydantic import BaseModel, ConfigDict

from abreast.core.errors import AbreastError
from abreast.metrics.answers import require_pairs

BINS = 15
"""As many as in Guo et al. 2017."""


class ReliabilityBin(BaseModel):
    """The answers with a confidence above `low` and up to `high`; the lowest bin includes zero."""

    model_config = ConfigDict(frozen=True)

    low: float
    high: float
    count: int
    confidence: float
    """Their mean confidence."""
    accuracy: float
    """The share of them that are correct."""


class Calibration(BaseModel):
    """The calibration of one model on the questions with a known confidence, and the reliability diagram behind it."""

    model_config = ConfigDict(frozen=True)

    questions: int
    expected_calibration_error: float
    bins: tuple[ReliabilityBin, ...]


def calibration(confidences: Sequence[float | None], hits: Sequence[bool]) -> Calibration | None:
    """Measure the calibration of a model; None where no confidence is known.

    Args:
        confidences: for each answer the probability that the model gave it, from 0 to 1; None is left out.
        hits: whether each answer was correct.

    Raises:
        AbreastError: as `reliability`.
    """
    require_pairs(hits, confidences)
    known = [(one, hit) for one, hit in zip(confidences, hits, strict=True) if one is not None]
    if not known:
        return None
    kept, correct = zip(*known, strict=True)
    error = expected_calibration_error(kept, correct)
    bins = tuple(reliability(kept, correct))
    return Calibration(questions=len(known), expected_calibration_error=error, bins=bins)


def reliability(confidences: Sequence[float], hits: Sequence[bool], bins: int = BINS) -> list[ReliabilityBin]:
    """The bins of equal width over 0 to 1 that hold any answer, lowest first: a reliability diagram.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, section 2.

    Args:
        confidences: for each answer, the probability that the model gave it, from 0 to 1.
        hits: whether each answer was correct.

    Raises:
        AbreastError: the two do not pair, a confidence is not within 0 to 1, or there is no bin.
    """
    require_pairs(hits, confidences)
    if bins < 1:
        raise AbreastError(f"bins {bins}: must be at least 1")
    held: dict[int, list[tuple[float, bool]]] = {}
    for confidence, hit in zip(confidences, hits, strict=True):
        if not 0 <= confidence <= 1:
            raise AbreastError(f"confidence {confidence:.6g}: must be within 0 to 1")
        held.setdefault(_place(confidence, bins), []).append((confidence, hit))
    return [
        ReliabilityBin(
            low=place / bins,
            high=(place + 1) / bins,
            count=len(pairs),
            confidence=fmean(confidence for confidence, _ in pairs),
            accuracy=fmean(hit for _, hit in pairs),
        )
        for place, pairs in sorted(held.items())
    ]


def expected_calibration_error(confidences: Sequence[float], hits: Sequence[bool], bins: int = BINS) -> float | None:
    """The mean gap |accuracy - confidence| of the bins, each weighted by its answers, from 0 to 1.

    None where nothing was asked. Arguments and errors as in `reliability`.
    Source: Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", with the bins of Guo
    et al. 2017: `bins` of equal width, each closed above.
    """
    filled = reliability(confidences, hits, bins)
    if not filled:
        return None
    return sum(b.count * abs(b.accuracy - b.confidence) for b in filled) / len(confidences)


def _place(confidence: float, bins: int) -> int:
    """The bin with place / bins < confidence <= (place + 1) / bins, in the floats of a `ReliabilityBin`."""
    place = max(0, ceil(confidence * bins) - 1)
    if place and confidence <= place / bins:
        return place - 1
    return place + 1 if confidence > (place + 1) / bins else place
