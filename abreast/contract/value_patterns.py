"""What the values of a field look like: letters and digits by runs, so that 3.12.4 and 22.1.10 are of one form."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

LEAST = 10
"""Of fields with fewer known values nothing is said."""
UNSEEN = 0.1
"""Nor of those where a value of a new form is to be expected more often than this, such as free text."""
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


def form(value: str) -> str:
    """`3.12.4` is `9.9.9`, `2024-10-01` is `9-9-9`, `unknown` is `a`."""
    return _DIGITS.sub("9", _LETTERS.sub("a", value))


class Forms:
    """The forms that the present values of each field have; the field is the last part of a key, such as `latest`.

    How often a value of a new form is to be expected is told by the forms that were seen once.
    Source: Good 1953, "The population frequencies of species", Biometrika 40:237-264 (the Good-Turing estimate).
    """

    def __init__(self, known: Mapping[str, str | None]):
        values: dict[str, list[str]] = {}
        for key, value in known.items():
            if value is not None:
                values.setdefault(_field(key), []).append(value)
        self._forms = {field: frozenset(map(form, held)) for field, held in values.items() if _regular(held)}

    def unlike(self, key: str, value: str) -> float | None:
        """1 if no known value of the key's field is of the value's form, else 0; None where nothing can be said."""
        forms = self._forms.get(_field(key))
        return None if forms is None else float(form(value) not in forms)


def _field(key: str) -> str:
    return key.rpartition("/")[2]


def _regular(values: Iterable[str]) -> bool:
    counts = Counter(map(form, values))
    once = sum(count == 1 for count in counts.values())
    return counts.total() >= LEAST and once <= UNSEEN * counts.total()
