"""The spans of a sentence as an answer in words, and back: `PER: Ada Lovelace; LOC: London`, or `none`.

Spans are told in their order, each with its type first. A text-to-text model copies words far better than it counts
tokens (Raffel et al. 2020, arXiv:1910.10683; Athiwaratkun et al. 2020, arXiv:2009.13272), so the words stand for their
place: where a sentence holds the same words twice, the first place that is still free is meant.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest

from abreast.dataset.spans import OUTSIDE, spans_of

NONE = "none"
_NEXT = re.compile(r";\s+(?=\S+:\s)")
_UNKNOWN = "?"


def sentence(tokens: Sequence[str]) -> str:
    """The tokens as a question: with a space between each two."""
    return " ".join(tokens)


def span_answer(tokens: Sequence[str], tags: Sequence[str]) -> str:
    """The spans that `tags` stand for, in words."""
    spans = [f"{span.type}: {sentence(tokens[span.start : span.end])}" for span in spans_of(tags)]
    return "; ".join(spans) or NONE


def tags_told(question: str, answer: str) -> list[str]:
    """As `tags_of`, case ignored."""
    return tags_of(question.casefold(), answer.casefold())


def tags_of(question: str, answer: str) -> list[str]:
    """The tags (`B-`, `I-` and `O`) of the words of a sentence that an answer stands for.

    Whatever the answer is, nothing is refused: each part that is no span of the sentence, or is written in another
    form, is a span behind its end, so that it counts as one that is wrong.
    """
    words = question.split(" ")
    tags, beyond, cursor = [OUTSIDE] * len(words), [], 0
    for kind, told in _parts(answer):
        start = _find(words, tags, told, cursor)
        if start is None:
            beyond.append(f"B-{kind}")
            continue
        cursor = start + len(told)
        tags[start:cursor] = [f"B-{kind}", *[f"I-{kind}"] * (len(told) - 1)]
    return tags + beyond


def pair_tags(question: str, expected: str, given: str) -> tuple[list[str], list[str]]:
    """The tags of two answers to one question, of one length: what stands behind the sentence is `O` in the other."""
    pairs = zip_longest(tags_told(question, expected), tags_told(question, given), fillvalue=OUTSIDE)
    wanted, told = zip(*pairs, strict=True)
    return list(wanted), list(told)


def _parts(answer: str) -> list[tuple[str, list[str]]]:
    """Type and words of each part; no words where a part is no span."""
    if answer.strip().removesuffix(".") == NONE:
        return []
    split = (part.strip().partition(": ") for part in _NEXT.split(answer))
    return [(kind, told.split()) if told and not re.search(r"\s", kind) else (_UNKNOWN, []) for kind, _, told in split]


def _find(words: list[str], tags: list[str], told: list[str], cursor: int) -> int | None:
    """Where `told` stands in the sentence, untagged: from the cursor on, else from the beginning."""
    if not told:
        return None
    free = [OUTSIDE] * len(told)
    starts = range(len(words) - len(told) + 1)
    for start in (*starts[cursor:], *starts[:cursor]):
        if words[start : start + len(told)] == told and tags[start : start + len(told)] == free:
            return start
    return None
