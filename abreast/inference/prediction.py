"""An answer with the probability that the model gives it."""

from math import exp
from typing import NamedTuple

DIGITS = 2
"""Probabilities are rounded, so that they hardly depend on which other questions are in the batch."""


class Prediction(NamedTuple):
    """One answer; `probability`, from 0 to 1, is that of the whole answer, or None where it is not known."""

    text: str
    probability: float | None


def with_log_probability(text: str, log_probability: float | None) -> Prediction:
    """An answer with its natural log-probability, the sum over its tokens; None if that is not known."""
    if log_probability is None:
        return Prediction(text, None)
    return Prediction(text, round(exp(min(0.0, log_probability)), DIGITS))
