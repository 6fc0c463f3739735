"""Many tests at once."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p-value as it counts among so many: below a level the chance of any false rejection is below it too.

    The smallest is multiplied by how many there are, the next by one less and so on, none falls below a smaller one's.
    Source: Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics
    6:65-70.

    Returns:
        the corrected p-values, in the order of `p_values`.
    """
    corrected, before = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        before = corrected[place] = max(before, min(1.0, (len(p_values) - rank) * p_values[place]))
    return corrected
