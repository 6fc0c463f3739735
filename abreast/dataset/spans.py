"""The spans that the tags of a sentence denote."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from abreast.core.errors import AbreastError

OUTSIDE = "O"
_PREFIXES = frozenset("BIES")
_ALONE_OR_LAST = frozenset("ES")


class Span(NamedTuple):
    """Tokens `start` to `end` (exclusive) of one sentence, with a type."""

    type: str
    start: int
    end: int


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans that the tags of one sentence denote, in order; BIO (IOB1, IOB2) and BIOES alike.

    As conlleval reads them (Tjong Kim Sang and Buchholz 2000, the evaluation of the CoNLL shared tasks) and seqeval by
    default: a span begins at B or S, after O, after E or S, or where the type changes, and it lasts until the next one
    begins or O. So an I without a B begins a span, and no predicted tag is lost.

    Args:
        tags: `O`, or B, I, E or S with a type, as in `B-PER`.

    Raises:
        AbreastError: another tag.
    """
    spans: list[Span] = []
    before, type_before = OUTSIDE, ""
    for place, (prefix, kind) in enumerate(_parsed(tags)):
        if prefix != OUTSIDE:
            begins = prefix in "BS" or before == OUTSIDE or before in _ALONE_OR_LAST or kind != type_before
            start = place if begins else spans.pop().start
            spans.append(Span(kind, start, place + 1))
        before, type_before = prefix, kind
    return spans


def _parsed(tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    for tag in tags:
        prefix, _, kind = tag.partition("-")
        if tag != OUTSIDE and not (prefix in _PREFIXES and kind):
            raise AbreastError(f"tag {tag!r}: must be O, or B, I, E or S and a type, as in B-PER")
        yield prefix, kind
