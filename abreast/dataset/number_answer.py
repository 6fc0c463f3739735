"""Numbers as text answers, and back."""

import re
from decimal import Decimal
from math import isfinite

DIGITS = 6
"""Significant digits of an answer: more cannot be learned and do not matter."""
_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[-+]?[0-9]{1,3})?")
_PLAIN = (1e-6, 1e15)


def number_answer(number: float) -> str:
    """One text for equal numbers: six significant digits, no trailing zeros, an exponent only where needed.

    For example 850 for 850.0, 0.125, -3.5, 1234570 for 1234567.8 and 1e-09.
    """
    short = f"{number:.{DIGITS}g}"
    if float(short) == 0:
        return "0"
    if _PLAIN[0] <= abs(number) < _PLAIN[1]:
        return f"{Decimal(short):f}"
    return short


def read_number(answer: str) -> float | None:
    """The number in an answer, in any notation; None if it is anything else, or not finite."""
    text = answer.strip().removesuffix(".").casefold()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if isfinite(number) else None
