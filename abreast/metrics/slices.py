"""Any measure for each domain, drop, source or language."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from abreast.core.errors import AbreastError

UNNAMED = "(none)"
"""The slice of items without a name, such as records without a source."""


class Slice(NamedTuple):
    """The items with one name: how many they are, and their score."""

    name: str
    count: int
    score: float | None


def score_slices(
    measure: Callable[..., float | None], names: Sequence[str | None], *columns: Sequence[Any]
) -> list[Slice]:
    """The measure of each slice, ordered by name, those without one last.

    For example `score_slices(macro_f1, [q.domain for q in questions], expected, given)`; by language,
    `score_slices(exact_match, [language(q.question) for q in questions], expected, given)`.

    Args:
        measure: takes as many sequences as there are columns.
        names: for each item, its domain, drop, source or language.
        columns: what the measure takes, each as long as `names`.

    Raises:
        AbreastError: a column is longer or shorter; and whatever the measure raises.
    """
    if odd := [len(column) for column in columns if len(column) != len(names)]:
        raise AbreastError(f"slices: {odd[0]} values for {len(names)} names; there must be one to each")
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name or UNNAMED, []).append(place)
    return [
        Slice(name, len(held), measure(*([column[place] for place in held] for column in columns)))
        for name, held in sorted(places.items(), key=lambda pair: (pair[0] == UNNAMED, pair[0]))
    ]
