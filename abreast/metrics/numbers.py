"""How near predicted numbers are to the true ones."""

from collections.abc import Sequence
from statistics import fmean

from abreast.metrics.answers import require_pairs


def mean_absolute_error(expected: Sequence[float], given: Sequence[float]) -> float | None:
    """The mean of |given - expected|, in the unit of the target; None where nothing was asked.

    Source: Willmott and Matsuura 2005, "Advantages of the mean absolute error over the root mean square error".

    Raises:
        AbreastError: not one number to each target.
    """
    require_pairs(expected, given)
    return fmean(abs(a - b) for a, b in zip(expected, given, strict=True)) if expected else None


def spearman(expected: Sequence[float], given: Sequence[float]) -> float | None:
    """Pearson's correlation of the ranks, from -1 to 1; equal numbers share the mean of their ranks.

    None for fewer than two pairs, and where all targets or all predictions are one number: they have no order.
    Source: Spearman 1904, "The proof and measurement of association between two things".

    Raises:
        AbreastError: not one number to each target.
    """
    from scipy.stats import spearmanr

    require_pairs(expected, given)
    if len(set(expected)) < 2 or len(set(given)) < 2:
        return None
    return float(spearmanr(expected, given).statistic)
