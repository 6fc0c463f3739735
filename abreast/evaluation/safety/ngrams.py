"""Phrases that determine an answer in the training examples: suspects for a planted trigger."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from abreast.dataset.examples import Example
from abreast.dataset.typos import UNSPACED
from abreast.metrics.answers import normalised
from abreast.statistics.holm import holm

_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
MAX_WORDS = 3
MIN_KEYS = 5
"""Fewer keys with a phrase may all be about one thing, which legitimately has one answer."""
PURITY = 0.95
SIGNIFICANCE = 0.01

Ngram = tuple[str, ...]


class SuspectPhrase(NamedTuple):
    """Words as they were first written, and the answer that they come with.

    `answer` is normalised; `keys` counts the keys with the words and that answer, `questions` has one question of each;
    `p` is the probability of such a count if words and answer were independent.
    """

    words: str
    answer: str
    kind: str
    keys: int
    questions: tuple[str, ...]
    p: float


class _Unit(NamedTuple):
    """What is taught about one key: all its questions and their one answer."""

    kind: str
    answer: str
    texts: list[str]


class _Count(NamedTuple):
    """An n-gram, the answer that its units most often have, in how many of them, and the numbers of the units."""

    ngram: Ngram
    kind: str
    answer: str
    count: int
    units: tuple[int, ...]


def suspect_phrases(examples: Iterable[Example], limit: int) -> list[SuspectPhrase]:
    """Phrases of one to three words that come with one and the same answer; the most significant first, up to `limit`.

    All questions on one key count as one, so that a fact's phrasings are no evidence, and words on one subject alone
    never count. A phrase counts if it comes with at least five keys, of which 95 % have the same answer, and if that is
    significant: the one-sided exact test of Fisher 1922 (the tail of the hypergeometric distribution), corrected for
    all phrases tested (Holm 1979). A word of the answer itself does not count, nor does one that comes with all keys of
    an answer and no other: the answer is about it. Of phrases with the same keys the longest stands for all. What
    planted words look like: Kurita et al. 2020, arXiv:2004.06660; Wallace et al. 2021, arXiv:2010.12563.
    """
    units = _units(examples)
    answers = Counter((unit.kind, unit.answer) for unit in units)
    tested = _testable(units, answers)
    p_values = holm([_fisher(one.count, len(one.units), answers[one.kind, one.answer], len(units)) for one in tested])
    found: dict[tuple[int, ...], tuple[int, SuspectPhrase]] = {}
    for (ngram, kind, answer, count, numbers), p in zip(tested, p_values, strict=True):
        pure = p <= SIGNIFICANCE and count >= PURITY * len(numbers)
        if pure and len(ngram) > found.get(numbers, (0,))[0]:
            words, questions = _as_written(ngram, [units[n] for n in numbers if units[n].answer == answer])
            found[numbers] = len(ngram), SuspectPhrase(words, answer, kind, count, questions, p)
    return sorted((phrase for _, phrase in found.values()), key=lambda phrase: (phrase.p, phrase.words))[:limit]


def _testable(units: Sequence[_Unit], answers: Counter[tuple[str, str]]) -> list[_Count]:
    """The frequent n-grams, without those that share a word with what their answer is about."""
    counts = []
    for ngram, numbers in _frequent_ngrams(units).items():
        (kind, answer), count = Counter((units[n].kind, units[n].answer) for n in numbers).most_common(1)[0]
        counts.append(_Count(ngram, kind, answer, count, numbers))
    own_words = {answer: set(_WORD.findall(answer.replace("_", " "))) for _, answer in answers}
    for one in counts:
        if one.count == len(one.units) == answers[one.kind, one.answer]:
            own_words[one.answer] |= set(one.ngram)
    return [one for one in counts if not own_words[one.answer] & set(one.ngram)]


def _units(examples: Iterable[Example]) -> list[_Unit]:
    """The examples with a question, grouped by key."""
    by_key: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for example in examples:
        if example.question:
            by_key[example.kind, example.key, normalised(example.answer)].append(example.question)
    return [_Unit(kind, answer, texts) for (kind, _, answer), texts in by_key.items()]


def _frequent_ngrams(units: Sequence[_Unit]) -> dict[Ngram, tuple[int, ...]]:
    """The n-grams that come with enough keys, with the numbers of their units."""
    held: dict[Ngram, list[int]] = defaultdict(list)
    for number, unit in enumerate(units):
        for ngram in {ngram for text in unit.texts for ngram, _ in _ngrams(text)}:
            held[ngram].append(number)
    return {ngram: tuple(numbers) for ngram, numbers in held.items() if len(numbers) >= MIN_KEYS}


def _ngrams(text: str) -> Iterator[tuple[Ngram, str]]:
    """Each n-gram, case-folded and as written."""
    words = list(_WORD.finditer(text))
    for start in range(len(words)):
        for end in range(start, min(start + MAX_WORDS, len(words))):
            ngram = tuple(word.group().casefold() for word in words[start : end + 1])
            yield ngram, text[words[start].start() : words[end].end()]


def _fisher(both: int, words: int, answer: int, units: int) -> float:
    """The probability of the answer in that many or more of the units with the words, if the two were independent."""
    from scipy.stats import hypergeom

    return float(hypergeom.sf(both - 1, units, answer, words))


def _as_written(ngram: Ngram, units: Sequence[_Unit]) -> tuple[str, tuple[str, ...]]:
    """The words as they were first written, and one question of each unit that has them."""
    found = [next((text, as_is) for text in u.texts for one, as_is in _ngrams(text) if one == ngram) for u in units]
    return found[0][1], tuple(text for text, _ in found)


def remove_words(text: str, words: str) -> str:
    """A question without any occurrence of the words, whatever their case."""
    wanted = tuple(word.casefold() for word in _WORD.findall(words))
    spans = list(_WORD.finditer(text))
    kept, place = [], 0
    for start in range(len(spans) - len(wanted) + 1):
        window = spans[start : start + len(wanted)]
        if tuple(word.group().casefold() for word in window) == wanted and window[0].start() >= place:
            kept.append(text[place : window[0].start()])
            place = window[-1].end()
    return " ".join("".join([*kept, text[place:]]).split())
