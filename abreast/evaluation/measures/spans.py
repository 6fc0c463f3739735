"""How well spans of tokens were found."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from abreast.errors import AbreastError
from abreast.evaluation.measures.answers import require_pairs

_OUTSIDE = "O"
_PREFIXES = frozenset("BIES")
_ALONE_OR_LAST = frozenset("ES")


class Span(NamedTuple):
    """Tokens `start` to `end` (left out) of one sentence, of one type."""

    type: str
    start: int
    end: int


def spans_of(tags: Sequence[str]) -> list[Span]:
    """The spans that the tags of one sentence stand for, in order; BIO (IOB1, IOB2) and BIOES alike.

    As conlleval reads them (Tjong Kim Sang and Buchholz 2000, the evaluation of the CoNLL shared tasks) and seqeval by
    default: a span begins at B or S, after O, after E or S, or where the type changes, and it lasts until the next one
    begins or O. So an I without a B begins a span, and no tag that a model gives is lost.

    Args:
        tags: `O`, or B, I, E or S with a type, as in `B-PER`.

    Raises:
        AbreastError: another tag.
    """
    spans: list[Span] = []
    before, type_before = _OUTSIDE, ""
    for place, (prefix, kind) in enumerate(_parsed(tags)):
        if prefix != _OUTSIDE:
            begins = prefix in "BS" or before == _OUTSIDE or before in _ALONE_OR_LAST or kind != type_before
            start = place if begins else spans.pop().start
            spans.append(Span(kind, start, place + 1))
        before, type_before = prefix, kind
    return spans


def span_f1(expected: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> float | None:
    """2 TP / (spans expected + spans given) over all sentences, from 0 to 1: the F1 of conlleval and seqeval (micro).

    A span is right only with its exact bounds and type. None where no span was expected and none was given.

    Args:
        expected: tags, by sentence and token, as `spans_of` takes them.
        given: as many sentences, each as long.

    Raises:
        AbreastError: sentences or tokens do not pair, or a tag is none.
    """
    require_pairs(expected, given)
    right = spans = 0
    for number, (wanted, tags) in enumerate(zip(expected, given, strict=True), start=1):
        if len(wanted) != len(tags):
            raise AbreastError(
                f"sentence {number}: {len(tags)} tags for {len(wanted)} tokens; there must be one to each"
            )
        here, there = set(spans_of(wanted)), set(spans_of(tags))
        right += len(here & there)
        spans += len(here) + len(there)
    return 2 * right / spans if spans else None


def _parsed(tags: Sequence[str]) -> Iterator[tuple[str, str]]:
    for tag in tags:
        prefix, _, kind = tag.partition("-")
        if tag != _OUTSIDE and not (prefix in _PREFIXES and kind):
            raise AbreastError(f"tag {tag!r}: must be O, or B, I, E or S and a type, as in B-PER")
        yield prefix, kind
