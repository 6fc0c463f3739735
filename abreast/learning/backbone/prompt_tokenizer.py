"""Turns questions and answers into token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

from abreast.core.errors import AbreastError

PLACE = "{question}"
PIECE = 128
"""The most tokens of one piece of raw text."""
PROBES = ("a", "Z?", "7", "(b).", '"c"')


@dataclass(frozen=True)
class TokenizedExample:
    """A prompt and its completion as token ids.

    Attributes:
        ids: all token ids.
        prompt_length: the number of prompt tokens; only the tokens after them are learned and scored.
        activation_index: the first token at which an adapter is active: the first invocation token, or 0.
    """

    ids: tuple[int, ...]
    prompt_length: int
    activation_index: int

    @property
    def completion(self) -> tuple[int, ...]:
        return self.ids[self.prompt_length :]


class PromptTokenizer:
    """Puts questions into the prompt of `model.prompt` and turns them into token ids.

    Args:
        longest: the number of tokens that the base can read, if known.
        activated: whether the adapter is active from the invocation tokens on; otherwise from the first token.

    Attributes:
        tokenizer: the base model's.
        invocation_tokens: the token ids that end every prompt, whatever the question.

    Raises:
        AbreastError: the prompt lacks `{question}`, or nothing follows it.
    """

    def __init__(self, tokenizer: Any, prompt: str, longest: int | None = None, activated: bool = True):
        if PLACE not in prompt:
            raise AbreastError(f"model.prompt: {prompt!r} does not hold {PLACE}")
        self.tokenizer, self._prompt, self._longest = tokenizer, prompt, longest
        self.invocation_tokens = self._find_invocation_tokens()
        self.activated = activated

    def activation_index(self, prompt_length: int) -> int:
        """The first token at which the adapter is active, in a prompt of that many tokens."""
        return prompt_length - len(self.invocation_tokens) if self.activated else 0

    def prompt_ids(self, question: str) -> tuple[int, ...]:
        """The ids of the prompt around `question`."""
        return tuple(self.tokenizer(self._prompt.replace(PLACE, question)).input_ids)

    def tokenize_prompt(self, question: str) -> TokenizedExample:
        """The prompt around `question`, without an answer."""
        return self.with_answer_ids(question, ())

    def pair(self, question: str, answer: str) -> TokenizedExample:
        """The prompt, a space, the answer and the end-of-text token.

        Raises:
            AbreastError: the pair is longer than the base model can read.
        """
        completion = tuple(self.tokenizer(f" {answer}", add_special_tokens=False).input_ids)
        example = self.with_answer_ids(question, (*completion, self.tokenizer.eos_token_id))
        if self._longest and len(example.ids) > self._longest:
            found = f"{question[:60]!r}: {len(example.ids)} tokens"
            raise AbreastError(f"{found}; model.base reads at most {self._longest}")
        return example

    def with_answer_ids(self, question: str, answer: Sequence[int]) -> TokenizedExample:
        """The prompt and an answer that is given as token ids."""
        prompt = self.prompt_ids(question)
        return TokenizedExample((*prompt, *answer), len(prompt), self.activation_index(len(prompt)))

    def tokenize_example(self, kind: str, question: str, answer: str) -> TokenizedExample:
        """As `pair`; a language model answers every kind of record in words."""
        return self.pair(question, answer)

    def as_completion(self, ids: tuple[int, ...]) -> TokenizedExample:
        """Any text as the answer to an empty question, so that the adapter is active in all of it."""
        return self.with_answer_ids("", ids)

    def split_text(self, text: str) -> list[TokenizedExample]:
        """A text in pieces of almost equal length, at most `PIECE` tokens each, as completions."""
        ids = tuple(self.tokenizer(text, add_special_tokens=False).input_ids)
        room = self._longest - len(self.prompt_ids("")) if self._longest else PIECE
        count = -(-len(ids) // max(1, min(PIECE, room)))
        bounds = [len(ids) * number // count for number in range(count + 1)] if count else []
        return [self.as_completion(ids[start:end]) for start, end in pairwise(bounds)]

    def pick_piece(self, text: str, name: str) -> list[TokenizedExample]:
        """One piece of a text, always the same one for one name; none of an empty text."""
        pieces = self.split_text(text)
        return [pieces[crc32(name.encode()) % len(pieces)]] if pieces else []

    def fixed_pieces(self, text: str, length: int) -> list[TokenizedExample]:
        """A text in pieces of exactly `length` tokens, as completions; a shorter rest is dropped."""
        ids = tuple(self.tokenizer(text).input_ids)
        return [self.as_completion(ids[start : start + length]) for start in range(0, len(ids) - length + 1, length)]

    def _find_invocation_tokens(self) -> tuple[int, ...]:
        """The longest sequence of ids that ends the prompts of quite different questions."""
        backwards = [self.prompt_ids(probe)[::-1] for probe in PROBES]
        same = 0
        while same < min(map(len, backwards)) and len({ids[same] for ids in backwards}) == 1:
            same += 1
        if not same:
            raise AbreastError(
                f"model.prompt: {self._prompt!r} must go on after {PLACE}, such as with a line `Answer:`; "
                "an adapter is active from there on"
            )
        return backwards[0][:same][::-1]
