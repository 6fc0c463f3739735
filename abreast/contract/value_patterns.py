"""Patterns of values: each run of letters or digits counts as one, so 3.12.4 and 22.1.10 have the same pattern."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

MIN_VALUES = 10
"""A field with fewer known values is not judged."""
MAX_NEW_PATTERN_RATE = 0.1
"""Nor is a field, such as free text, in which new patterns are expected more often than this."""
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")


def pattern_of(value: str) -> str:
    """`3.12.4` is `9.9.9`, `2024-10-01` is `9-9-9`, `unknown` is `a`."""
    return _DIGITS.sub("9", _LETTERS.sub("a", value))


class ValuePatterns:
    """The patterns of the current values of each field; the field is the last part of a key, such as `latest`.

    The patterns that occur once estimate how often a value with a new pattern is to be expected.
    Source: Good 1953, "The population frequencies of species", Biometrika 40:237-264 (the Good-Turing estimate).
    """

    def __init__(self, known: Mapping[str, str | None]):
        values: dict[str, list[str]] = {}
        for key, value in known.items():
            if value is not None:
                values.setdefault(_field(key), []).append(value)
        self._patterns = {
            field: frozenset(map(pattern_of, known)) for field, known in values.items() if _is_regular(known)
        }

    def has_new_pattern(self, key: str, value: str) -> float | None:
        """1 if no known value of the key's field has the pattern of `value`, else 0; None for a field not judged."""
        patterns = self._patterns.get(_field(key))
        return None if patterns is None else float(pattern_of(value) not in patterns)


def _field(key: str) -> str:
    return key.rpartition("/")[2]


def _is_regular(values: Iterable[str]) -> bool:
    counts = Counter(map(pattern_of, values))
    once = sum(count == 1 for count in counts.values())
    return counts.total() >= MIN_VALUES and once <= MAX_NEW_PATTERN_RATE * counts.total()
