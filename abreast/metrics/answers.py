"""Whether an answer in words is correct, or out of date."""

from collections.abc import Iterable, Sequence

from abreast.core.errors import AbreastError

_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
"""Full-width letters, digits and signs, as in Chinese and Japanese texts, to the usual ones."""


def normalised(answer: str) -> str:
    """An answer in the form in which it is compared: one case, one width, single spaces, no full stop at the end.

    After the exact match of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250); articles and other punctuation are kept,
    because they matter in versions, dates and names.
    """
    text = " ".join(answer.translate(_WIDE).casefold().split())
    return text[:-1] if text.endswith((".", "。")) else text


def same(expected: str, given: str) -> bool:
    """Whether both are one answer after normalisation."""
    return normalised(expected) == normalised(given)


def outdated(stale: Iterable[str], given: str) -> bool:
    """Whether one of the superseded values was given."""
    return normalised(given) in {normalised(value) for value in stale}


def share(hits: Sequence[bool]) -> float | None:
    """The share of hits, from 0 to 1; None where nothing was asked."""
    return sum(hits) / len(hits) if hits else None


def exact_match(expected: Sequence[str], given: Sequence[str]) -> float | None:
    """The share of answers that are correct after normalisation (Rajpurkar et al. 2016); None where nothing was asked.

    Raises:
        AbreastError: not one answer to each question.
    """
    require_pairs(expected, given)
    return share([same(wanted, answer) for wanted, answer in zip(expected, given, strict=True)])


def require_pairs(expected: Sequence[object], given: Sequence[object]) -> None:
    """Raise AbreastError unless there is one answer to each question."""
    if len(expected) != len(given):
        raise AbreastError(f"{len(given)} answers to {len(expected)} questions: there must be one to each")
