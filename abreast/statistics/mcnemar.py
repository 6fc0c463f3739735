"""McNemar's exact test of two models on the same questions."""

from typing import Any

import numpy as np
from scipy.special import betainc


def mcnemar(won: Any, lost: Any) -> np.ndarray:
    """The chance of so many won questions or more among those that only one of two equal models answers rightly.

    One-sided: the null hypothesis is that the candidate wins no more often than it loses. At a level of 5 % no fewer
    than 5 questions, all won, can reject it.
    Source: McNemar 1947, Psychometrika 12:153-157, in the exact form: a sign test on the questions that differ.

    Args:
        won, lost: how many questions only the candidate, only the other model answered rightly; whole numbers, or
            arrays of them of one shape.

    Returns:
        the p-values, an array of that shape; 1 where nothing was won.
    """
    won, lost = np.asarray(won, dtype=float), np.asarray(lost, dtype=float)
    return np.where(won > 0, betainc(np.maximum(won, 1), lost + 1, 0.5), 1.0)
