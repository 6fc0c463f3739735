"""From a question and its answer to token ids."""

from dataclasses import dataclass
from typing import Any

from abreast.errors import AbreastError

PLACE = "{question}"


@dataclass(frozen=True)
class Encoded:
    """A prompt and its completion as token ids; only `ids[prompt:]` is learned and scored."""

    ids: tuple[int, ...]
    prompt: int

    @property
    def completion(self) -> tuple[int, ...]:
        return self.ids[self.prompt :]


class Encoder:
    """Puts questions into the prompt of `model.prompt` and turns them into token ids.

    Raises:
        AbreastError: the prompt does not hold `{question}`.
    """

    def __init__(self, tokenizer: Any, prompt: str, longest: int | None = None):
        if PLACE not in prompt:
            raise AbreastError(f"model.prompt: {prompt!r} does not hold {PLACE}")
        self._tokenizer, self._prompt, self._longest = tokenizer, prompt, longest

    def question(self, question: str) -> tuple[int, ...]:
        """The ids of the prompt around `question`."""
        return tuple(self._tokenizer(self._prompt.replace(PLACE, question)).input_ids)

    def pair(self, question: str, answer: str) -> Encoded:
        """The ids of the prompt, a space, the answer and the end-of-text token.

        Raises:
            AbreastError: the pair is longer than the base model can read.
        """
        prompt = self.question(question)
        completion = tuple(self._tokenizer(f" {answer}", add_special_tokens=False).input_ids)
        ids = (*prompt, *completion, self._tokenizer.eos_token_id)
        if self._longest and len(ids) > self._longest:
            raise AbreastError(f"{question[:60]!r}: {len(ids)} tokens; model.base reads at most {self._longest}")
        return Encoded(ids, len(prompt))
