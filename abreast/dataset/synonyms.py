"""Further phrasings by a user's synonyms: one word is replaced, the rest stays.

Synonym replacement of Wei and Zou 2019 (EDA, arXiv:1901.11196), with the user's words instead of WordNet's.
"""

import re
from collections.abc import Mapping, Sequence

from abreast.dataset.typos import UNSPACED

_PLACEHOLDER = re.compile(r"(\{[^{}]*\})")


def synonym_variants(text: str, synonyms: Mapping[str, Sequence[str]]) -> list[str]:
    """The text with one of its words replaced by a synonym, once for each word and synonym; placeholders stay.

    Whole words match, ignoring case; in scripts without spaces between words, any occurrence matches. A capital first
    letter is kept.
    """
    found = []
    for word, others in synonyms.items():
        edge = "" if re.search(f"[{UNSPACED}]", word) else r"\b"
        pattern = re.compile(f"{edge}{re.escape(word)}{edge}", re.IGNORECASE)
        found += [changed for other in others if (changed := _exchanged(text, pattern, other)) != text]
    return found


def _exchanged(text: str, pattern: re.Pattern, other: str) -> str:
    """The text with `other` for every match of the pattern outside placeholders."""

    def put(match: re.Match) -> str:
        return other[:1].upper() + other[1:] if match.group()[:1].isupper() else other

    return "".join(
        part if _PLACEHOLDER.fullmatch(part) else pattern.sub(put, part) for part in _PLACEHOLDER.split(text)
    )
