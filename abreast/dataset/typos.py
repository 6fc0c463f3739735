"""Reproducible typing errors."""

import random
import re
from collections.abc import Callable

from abreast.core.errors import AbreastError

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, Chinese and Japanese, which put no spaces between words."""
_WORD = re.compile(rf"[^\s{UNSPACED}]+")
_RUN = re.compile(rf"[^\s{UNSPACED}]+|[{UNSPACED}]+")

Letters = list[str]


def with_typos(text: str, rate: float, seed: int) -> str:
    """The text with typing errors: each letter, with the probability `rate`, has a neighbour on the keyboard struck
    instead (a to z on QWERTY), changes places with the next letter, or is left out.

    Words with a digit (numbers, versions, dates, identifiers), digits, punctuation and spaces stay as they are, and no
    word vanishes. The errors depend on text, rate and seed alone, not on other texts or on the platform.
    Source: Belinkov and Bisk 2018, "Synthetic and Natural Noise Both Break Neural Machine Translation",
    arXiv:1711.02173 (keyboard, swap); Pruthi et al. 2019, "Combating Adversarial Misspellings with Robust Word
    Recognition", arXiv:1905.11268 (drop).

    Args:
        rate: errors for each letter, from 0 to 1; 0.05 is a hasty typist.

    Raises:
        AbreastError: the rate is not within 0 to 1.
    """
    if not 0 <= rate <= 1:
        raise AbreastError(f"noise rate {rate:.6g}: must be within 0 to 1")
    chance = random.Random(f"{seed}:{rate}:{text}")
    return _RUN.sub(lambda word: _spoilt(word.group(), rate, chance), text)


def _spoilt(word: str, rate: float, chance: random.Random) -> str:
    if _WORD.match(word) and any(letter.isdigit() for letter in word):
        return word
    letters, place = list(word), 0
    while place < len(letters):
        errors = _possible(letters, place) if _is_letter(letters[place]) and chance.random() < rate else []
        place += chance.choice(errors)(letters, place, chance) if errors else 1
    return "".join(letters)


def _possible(letters: Letters, place: int) -> list[Callable[[Letters, int, random.Random], int]]:
    """The errors that would change the word at this place and leave some of it."""
    before, after = letters[place - 1 : place] if place else [], letters[place + 1 : place + 2]
    possible = [_neighbour] if letters[place].lower() in _NEIGHBOURS else []
    if any(map(_is_letter, after)) and after != letters[place : place + 1]:
        possible.append(_swap)
    if any(map(_is_letter, before + after)):
        possible.append(_drop)
    return possible


def _neighbour(letters: Letters, place: int, chance: random.Random) -> int:
    struck = chance.choice(_NEIGHBOURS[letters[place].lower()])
    letters[place] = struck.upper() if letters[place].isupper() else struck
    return 1


def _swap(letters: Letters, place: int, chance: random.Random) -> int:
    letters[place], letters[place + 1] = letters[place + 1], letters[place]
    return 2


def _drop(letters: Letters, place: int, chance: random.Random) -> int:
    del letters[place]
    return 0


def _is_letter(character: str) -> bool:
    return character.isalpha() and not character.isnumeric()


def _neighbours() -> dict[str, str]:
    """The letters beside each letter on QWERTY, and above and below it, each row half a key to the right."""
    at = {letter: (row, 2 * column + row) for row, keys in enumerate(_ROWS) for column, letter in enumerate(keys)}
    return {
        letter: "".join(
            other
            for other, (r, c) in at.items()
            if other != letter and abs(r - row) <= 1 and abs(c - column) <= 2 - abs(r - row)
        )
        for letter, (row, column) in at.items()
    }


_NEIGHBOURS = _neighbours()
