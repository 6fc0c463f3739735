"""Label shift: whether the groups of new data (kinds, domains, labels) have the same shares as before."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

_PERMUTATIONS = 499
_SHOWN_GROUPS = 5


class GroupShift(BaseModel):
    """One grouping: the p-value of Pearson's chi-square, by permutation, and its size as Cramér's V.

    `moved` are the groups whose share changed most: name, share before, share now.
    """

    model_config = ConfigDict(frozen=True)

    by: str
    p: float
    size: float
    moved: tuple[tuple[str, float, float], ...]


def group_shift(by: str, before: Sequence[str], now: Sequence[str], seed: int) -> GroupShift | None:
    """Compare the groups of two samples; None if there is only one group."""
    from scipy.stats import PermutationMethod, chi2_contingency
    from scipy.stats.contingency import association

    counts = Counter(before), Counter(now)
    names = sorted(set(before) | set(now))
    if len(names) < 2:
        return None
    table = np.array([[of[name] for name in names] for of in counts])
    method = PermutationMethod(n_resamples=_PERMUTATIONS, rng=np.random.default_rng(seed))
    p = float(chi2_contingency(table, correction=False, method=method).pvalue)
    shares = table / table.sum(axis=1, keepdims=True)
    largest = np.argsort(-np.abs(shares[1] - shares[0]), kind="stable")[:_SHOWN_GROUPS]
    moved = tuple((names[at], float(shares[0, at]), float(shares[1, at])) for at in largest)
    return GroupShift(by=by, p=p, size=float(association(table, method="cramer")), moved=moved)
