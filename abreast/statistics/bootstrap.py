"""The paired bootstrap over keys."""

import warnings
from collections.abc import Sequence

import numpy as np

from abreast.statistics.exact import Interval

RESAMPLES = 4999
_SEED = 17


def bootstrap(differences: Sequence[float], weights: Sequence[float], confidence: float) -> Interval:
    """The interval of a weighted mean of paired differences, for questions that are drawn key by key.

    Keys are drawn anew with all that belongs to them, so that several questions on one key count as one observation.
    BCa, which corrects for bias and skewness, expanded for few keys as Student's t is against the normal; with a fixed
    seed. Where all keys differ alike, the interval is [d, d]; where there are too few to tell, it has no bounds.
    Source: Efron 1987, "Better bootstrap confidence intervals", JASA 82:171-185; over clusters: Field and Welsh 2007,
    "Bootstrapping clustered data", JRSS B 69:369-390; expanded: Hesterberg 2015, The American Statistician 69:371-386,
    section 4.1. Computed by `scipy.stats.bootstrap`.

    Args:
        differences: for each key the mean of the candidate's figure less the other model's; shape (keys,).
        weights: what each key weighs, such as its tokens; above 0; shape (keys,).
        confidence: of each end by itself.
    """
    from scipy.stats import DegenerateDataWarning, norm, t
    from scipy.stats import bootstrap as resample

    keys = len(differences)
    if keys == 1:
        return Interval(-np.inf, np.inf)
    if np.ptp(differences) < 1e-12:
        return Interval(differences[0], differences[0])
    sums = np.asarray(differences) * np.asarray(weights)

    def mean(sums: np.ndarray, weights: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(sums.sum(axis=axis) / weights.sum(axis=axis))

    expanded = 2 * norm.cdf(np.sqrt(keys / (keys - 1)) * t.ppf(confidence, keys - 1)) - 1
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = resample(
            (sums, np.asarray(weights, dtype=float)),
            mean,
            paired=True,
            vectorized=True,
            n_resamples=RESAMPLES,
            confidence_level=expanded,
            rng=np.random.default_rng(_SEED),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return Interval(-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high)
