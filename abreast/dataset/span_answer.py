"""The spans of a sentence as a text answer, and back: `PER: Ada Lovelace; LOC: London`, or `none`.

Spans are listed in order, each with its type first. A text-to-text model copies words far better than it counts tokens
(Raffel et al. 2020, arXiv:1910.10683; Athiwaratkun et al. 2020, arXiv:2009.13272), so the answer has words instead of
positions: where a sentence holds the same words twice, they mean the first position that is still free.
"""

import re
from collections.abc import Sequence
from itertools import zip_longest

from abreast.dataset.spans import OUTSIDE, spans_of

NONE = "none"
_NEXT = re.compile(r";\s+(?=\S+:\s)")
_UNKNOWN = "?"


def join_tokens(tokens: Sequence[str]) -> str:
    """The tokens as a question, joined by spaces."""
    return " ".join(tokens)


def span_answer(tokens: Sequence[str], tags: Sequence[str]) -> str:
    """The spans of `tags` as a text answer."""
    spans = [f"{span.type}: {join_tokens(tokens[span.start : span.end])}" for span in spans_of(tags)]
    return "; ".join(spans) or NONE


def tags_ignoring_case(question: str, answer: str) -> list[str]:
    """As `tags_of`, ignoring case."""
    return tags_of(question.casefold(), answer.casefold())


def tags_of(question: str, answer: str) -> list[str]:
    """The tags (`B-`, `I-` and `O`) that an answer gives to the words of a sentence.

    Any answer is accepted: each part that is no span of the sentence, or is malformed, becomes a span behind its end,
    so that it counts as a wrong one.
    """
    words = question.split(" ")
    tags, beyond, cursor = [OUTSIDE] * len(words), [], 0
    for kind, span_words in _parts(answer):
        start = _find(words, tags, span_words, cursor)
        if start is None:
            beyond.append(f"B-{kind}")
            continue
        cursor = start + len(span_words)
        tags[start:cursor] = [f"B-{kind}", *[f"I-{kind}"] * (len(span_words) - 1)]
    return tags + beyond


def pair_tags(question: str, expected: str, given: str) -> tuple[list[str], list[str]]:
    """The tags of two answers to one question, padded with `O` to the same length."""
    pairs = zip_longest(tags_ignoring_case(question, expected), tags_ignoring_case(question, given), fillvalue=OUTSIDE)
    expected_tags, given_tags = zip(*pairs, strict=True)
    return list(expected_tags), list(given_tags)


def _parts(answer: str) -> list[tuple[str, list[str]]]:
    """Type and words of each part; no words if a part is malformed."""
    if answer.strip().removesuffix(".") == NONE:
        return []
    split = (part.strip().partition(": ") for part in _NEXT.split(answer))
    return [(kind, text.split()) if text and not re.search(r"\s", kind) else (_UNKNOWN, []) for kind, _, text in split]


def _find(words: list[str], tags: list[str], span_words: list[str], cursor: int) -> int | None:
    """The position of `span_words` in the sentence, still untagged: from the cursor on, else from the beginning."""
    if not span_words:
        return None
    length = len(span_words)
    starts = range(len(words) - length + 1)
    for start in (*starts[cursor:], *starts[:cursor]):
        if words[start : start + length] == span_words and tags[start : start + length] == [OUTSIDE] * length:
            return start
    return None
