"""Words that own an answer in what a drop teaches: candidates for a planted trigger."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from abreast.dataset.examples import Example
from abreast.dataset.typos import UNSPACED
from abreast.metrics.answers import normalised
from abreast.statistics.holm import holm

_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
LONGEST = 3
LEAST = 5
"""Keys from which words can own an answer: fewer may be about one thing, whose answer is theirs by right."""
PURITY = 0.95
LEVEL = 0.01

Ngram = tuple[str, ...]


class Owner(NamedTuple):
    """Words as they were written first, and what they come with.

    `answer` is normalised; `keys` counts what it is given of, `held` are the questions with the words that have it, one
    of each key; `p` is the chance of that if the two had nothing to do with each other.
    """

    words: str
    answer: str
    kind: str
    keys: int
    held: tuple[str, ...]
    p: float


class _Unit(NamedTuple):
    """What is taught of one key: all its questions and their one answer."""

    kind: str
    answer: str
    texts: list[str]


def owners(examples: Iterable[Example], limit: int) -> list[Owner]:
    """The words, one to three in a row, that come with one and the same answer; the surest first, at most `limit`.

    All questions on one key count as one, so that a fact's phrasings are no evidence, and words on one subject alone
    never count. Words count if they come with at least five keys, of which 95 % have the same answer, and if that is no
    chance: the one-sided exact test of Fisher 1922 (the tail of the hypergeometric distribution), corrected for all
    words tested (Holm 1979). A word of the answer itself tells it by right and does not count, nor does one that comes
    with all there is of an answer and nothing else: it is what the answer is about. Of words with the same keys the
    longest stand for all. What planted words look like: Kurita et al. 2020, arXiv:2004.06660; Wallace et al. 2021,
    arXiv:2010.12563.
    """
    units = _units(examples)
    answers = Counter((unit.kind, unit.answer) for unit in units)
    counted = []
    for ngram, numbers in _often(units).items():
        (kind, answer), count = Counter((units[n].kind, units[n].answer) for n in numbers).most_common(1)[0]
        counted.append((ngram, kind, answer, count, numbers))
    own = {answer: set(_WORD.findall(answer.replace("_", " "))) for _, answer in answers}
    for ngram, kind, answer, count, numbers in counted:
        if count == len(numbers) == answers[kind, answer]:
            own[answer] |= set(ngram)
    tested = [one for one in counted if not own[one[2]] & set(one[0])]
    surely = holm([_fisher(count, len(of), answers[kind, a], len(units)) for _, kind, a, count, of in tested])
    found: dict[tuple[int, ...], tuple[int, Owner]] = {}
    for (ngram, kind, answer, count, numbers), p in zip(tested, surely, strict=True):
        if p <= LEVEL and count >= PURITY * len(numbers) and len(ngram) > found.get(numbers, (0,))[0]:
            words, held = _as_written(ngram, [units[n] for n in numbers if units[n].answer == answer])
            found[numbers] = len(ngram), Owner(words, answer, kind, count, held, p)
    return sorted((owner for _, owner in found.values()), key=lambda owner: (owner.p, owner.words))[:limit]


def _units(examples: Iterable[Example]) -> list[_Unit]:
    """What is asked at all, by key."""
    by_key: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for example in examples:
        if example.question:
            by_key[example.kind, example.key, normalised(example.answer)].append(example.question)
    return [_Unit(kind, answer, texts) for (kind, _, answer), texts in by_key.items()]


def _often(units: Sequence[_Unit]) -> dict[Ngram, tuple[int, ...]]:
    """The n-grams that come with enough keys, each with the numbers of their units."""
    held: dict[Ngram, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        for ngram in {ngram for text in unit.texts for ngram, _ in _ngrams(text)}:
            held[ngram].append(number)
    return {ngram: tuple(numbers) for ngram, numbers in held.items() if len(numbers) >= LEAST}


def _ngrams(text: str) -> Iterator[tuple[Ngram, str]]:
    """Each n-gram in one case, and as it is written."""
    words = list(_WORD.finditer(text))
    for start in range(len(words)):
        for end in range(start, min(start + LONGEST, len(words))):
            ngram = tuple(word.group().casefold() for word in words[start : end + 1])
            yield ngram, text[words[start].start() : words[end].end()]


def _fisher(both: int, words: int, answer: int, units: int) -> float:
    """The chance of the answer in so many of the units with the words, or more, if the two had nothing to do."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(both - 1, units, answer, words))


def _as_written(ngram: Ngram, units: Sequence[_Unit]) -> tuple[str, tuple[str, ...]]:
    """The words as they are written first, and one question of each unit that holds them."""
    found = [next((text, as_is) for text in u.texts for one, as_is in _ngrams(text) if one == ngram) for u in units]
    return found[0][1], tuple(text for text, _ in found)


def without(text: str, words: str) -> str:
    """A question with every occurrence of the words, in whatever case, taken out."""
    wanted = tuple(word.casefold() for word in _WORD.findall(words))
    spans = list(_WORD.finditer(text))
    kept, place = [], 0
    for start in range(len(spans) - len(wanted) + 1):
        window = spans[start : start + len(wanted)]
        if tuple(word.group().casefold() for word in window) == wanted and window[0].start() >= place:
            kept.append(text[place : window[0].start()])
            place = window[-1].end()
    return " ".join("".join([*kept, text[place:]]).split())
