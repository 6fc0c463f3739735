"""From a question and its answer to token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

from abreast.core.errors import AbreastError

PLACE = "{question}"
PIECE = 128
"""Tokens of a piece of raw text, at most."""


@dataclass(frozen=True)
class Encoded:
    """A prompt and its completion as token ids.

    Attributes:
        ids: all of it.
        prompt: how many ids are the prompt; only what follows is learned and scored.
        wake: from where on an adapter is awake: where the mark that ends the prompt begins, or 0.
    """

    ids: tuple[int, ...]
    prompt: int
    wake: int

    @property
    def completion(self) -> tuple[int, ...]:
        return self.ids[self.prompt :]


PROBES = ("a", "Z?", "7", "(b).", '"c"')


class Encoder:
    """Puts questions into the prompt of `model.prompt` and turns them into token ids.

    Args:
        longest: tokens that the base can read, if it is known.
        sleeps: whether the adapter sleeps up to the mark; else it is awake from the first token.

    Attributes:
        tokenizer: the base model's.
        mark: the ids that end every prompt, whatever the question.

    Raises:
        AbreastError: the prompt does not hold `{question}`, or nothing follows it.
    """

    def __init__(self, tokenizer: Any, prompt: str, longest: int | None = None, sleeps: bool = True):
        if PLACE not in prompt:
            raise AbreastError(f"model.prompt: {prompt!r} does not hold {PLACE}")
        self.tokenizer, self._prompt, self._longest = tokenizer, prompt, longest
        self.mark = self._find_mark()
        self.sleeps = sleeps

    def asleep(self, prompt: int) -> int:
        """How many tokens of a prompt of that many an adapter sleeps through."""
        return prompt - len(self.mark) if self.sleeps else 0

    def question(self, question: str) -> tuple[int, ...]:
        """The ids of the prompt around `question`."""
        return tuple(self.tokenizer(self._prompt.replace(PLACE, question)).input_ids)

    def pair(self, question: str, answer: str) -> Encoded:
        """The ids of the prompt, a space, the answer and the end-of-text token.

        Raises:
            AbreastError: the pair is longer than the base model can read.
        """
        prompt = self.question(question)
        completion = tuple(self.tokenizer(f" {answer}", add_special_tokens=False).input_ids)
        ids = (*prompt, *completion, self.tokenizer.eos_token_id)
        if self._longest and len(ids) > self._longest:
            raise AbreastError(f"{question[:60]!r}: {len(ids)} tokens; model.base reads at most {self._longest}")
        return Encoded(ids, len(prompt), self.asleep(len(prompt)))

    def said(self, question: str, answer: Sequence[int]) -> Encoded:
        """The ids of the prompt and of an answer, token by token as it was said."""
        prompt = self.question(question)
        return Encoded((*prompt, *answer), len(prompt), self.asleep(len(prompt)))

    def lesson(self, kind: str, question: str, answer: str) -> Encoded:
        """As `pair`: of every kind of record the answer is words."""
        return self.pair(question, answer)

    def as_answer(self, ids: tuple[int, ...]) -> Encoded:
        """Any text as the answer to an empty question: so an adapter is awake in all of it."""
        prompt = self.question("")
        return Encoded((*prompt, *ids), len(prompt), self.asleep(len(prompt)))

    def passage(self, text: str) -> list[Encoded]:
        """All of a text in pieces of like length, at most `PIECE` tokens, each as an answer."""
        ids = tuple(self.tokenizer(text, add_special_tokens=False).input_ids)
        prompt = len(self.question(""))
        most = max(1, min(PIECE, self._longest - prompt) if self._longest else PIECE)
        count = -(-len(ids) // most)
        bounds = [len(ids) * number // count for number in range(count + 1)] if count else []
        return [self.as_answer(ids[start:end]) for start, end in pairwise(bounds)]

    def one_piece(self, text: str, name: str) -> list[Encoded]:
        """One piece of a text, always the same for one name; none of an empty text."""
        pieces = self.passage(text)
        return [pieces[crc32(name.encode()) % len(pieces)]] if pieces else []

    def pieces(self, text: str, length: int) -> list[Encoded]:
        """A text cut into pieces of `length` tokens, each as an answer; what is left at the end is dropped."""
        ids = tuple(self.tokenizer(text).input_ids)
        return [self.as_answer(ids[start : start + length]) for start in range(0, len(ids) - length + 1, length)]

    def _find_mark(self) -> tuple[int, ...]:
        """The longest sequence of ids that ends the prompts of quite different questions."""
        backwards = [self.question(probe)[::-1] for probe in PROBES]
        same = 0
        while same < min(map(len, backwards)) and len({ids[same] for ids in backwards}) == 1:
            same += 1
        if not same:
            raise AbreastError(
                f"model.prompt: {self._prompt!r} must go on after {PLACE}, such as with a line `Answer:`; "
                "an adapter is awake from there"
            )
        return backwards[0][:same][::-1]
