"""From a text to token ids with the places where something is read off, and from what is read back to an answer."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zlib import crc32

from abreast.core.errors import AbreastError
from abreast.dataset.number_answer import number_answer, read_number
from abreast.dataset.span_answer import span_answer, tags_of
from abreast.dataset.spans import OUTSIDE
from abreast.learning.backbone.prompt_tokenizer import PIECE
from abreast.learning.encoder.head import KINDS
from abreast.learning.encoder.labels import Labels

VERSIONS = 6
"""A piece of raw text is read so many times, each time with another sixth of its tokens masked: near the 15 % of BERT
(Devlin et al. 2019, arXiv:1810.04805), and each token is foreseen once."""


@dataclass(frozen=True)
class Marked:
    """A text, and what is read off it.

    Attributes:
        ids: all of it.
        places: the tokens after whose hidden states something is said; None is once, after the mean of all of them.
        kind: which of `KINDS` is said.
        wanted: what is right at each place: the number of a row or word, or a number in standard deviations.
        wake: an encoder's adapter is awake in all of it.
    """

    ids: tuple[int, ...]
    places: tuple[int, ...] | None
    kind: int
    wanted: tuple[float, ...]
    wake: int = 0


class Marker:
    """Marks texts for the heads of one model.

    Args:
        tokenizer: the base model's, a fast one: it must tell where in the text each token is.
        labels: what can be said.
        longest: tokens that the base can read.
    """

    mark = ()

    def __init__(self, tokenizer: Any, labels: Labels, longest: int):
        if not tokenizer.is_fast:
            raise AbreastError("model.base: its tokenizer does not tell where tokens lie; it needs a tokenizer.json")
        self.tokenizer, self.labels, self._longest = tokenizer, labels, longest
        self._before, self._after = self._frame()

    def lesson(self, kind: str, question: str, answer: str) -> Marked:
        """A text with the answer that is right, in words.

        Raises:
            AbreastError: a sentence to tag is longer than the base model can read.
        """
        asked = self.question(kind, question)
        if kind == "classification":
            wanted: Sequence[float] = [self.labels.classification.index(answer)]
        elif kind == "regression":
            scale = self.labels.regression
            wanted = [(read_number(answer) - scale.mean) / scale.deviation]
        else:
            tags, words = tags_of(question, answer), self._words(question)[1]
            wanted = [self.labels.tagging.index(tags[word]) for word in words] or [0]
        return Marked(asked.ids, asked.places, asked.kind, tuple(map(float, wanted)))

    def question(self, kind: str, question: str) -> Marked:
        """A text that is asked for its label, its tags or its number; zeros stand for what is right.

        Of a text that is longer than the base can read, its beginning is read (Sun et al. 2019, arXiv:1905.05583).

        Raises:
            AbreastError: a sentence to tag is longer than the base model can read.
        """
        if kind != "tagging":
            ids = tuple(self.tokenizer(question, truncation=True, max_length=self._longest).input_ids)
            return Marked(ids, None, KINDS.index(kind), (0.0,))
        ids, words = self._words(question)
        places = tuple(words.values()) or (0,)
        return Marked(ids, places, KINDS.index(kind), (0.0,) * len(places))

    def answer(self, kind: str, question: str, said: Sequence[float]) -> str:
        """What was said at the places of `question`, in the words in which a model that writes answers."""
        if kind == "classification":
            return self.labels.classification[int(said[0])]
        if kind == "regression":
            return number_answer(self.labels.regression.mean + self.labels.regression.deviation * said[0])
        words = question.split(" ")
        tags = [OUTSIDE] * len(words)
        for word, row in zip(self._words(question)[1], said, strict=False):
            tags[word] = self.labels.tagging[int(row)]
        return span_answer(words, tags)

    def passage(self, text: str) -> list[Marked]:
        """All of a text in pieces of like length, at most `PIECE` tokens, each in the versions that mask all of it."""
        return [version for piece in self._pieces(text) for version in self._masked(piece)]

    def one_piece(self, text: str, name: str) -> list[Marked]:
        """The versions of one piece of a text, always the same for one name; none of an empty text."""
        pieces = self._pieces(text)
        return self._masked(pieces[crc32(name.encode()) % len(pieces)]) if pieces else []

    def pieces(self, text: str, length: int) -> list[Marked]:
        """A text cut into pieces of `length` tokens, nothing masked; what is left at the end is dropped."""
        ids = self._ids(text)
        whole = [ids[start : start + length] for start in range(0, len(ids) - length + 1, length)]
        return [self._framed(piece, range(length), (0.0,) * length) for piece in whole]

    def _pieces(self, text: str) -> list[tuple[int, ...]]:
        ids = self._ids(text)
        count = -(-len(ids) // min(PIECE, self._longest - len(self._before) - len(self._after)))
        bounds = [len(ids) * number // count for number in range(count + 1)] if count else []
        return [ids[start:end] for start, end in pairwise(bounds)]

    def _masked(self, ids: tuple[int, ...]) -> list[Marked]:
        """A piece in `VERSIONS` versions, each with other tokens masked; which, its own content decides."""
        order = list(range(len(ids)))
        random.Random(repr(ids)).shuffle(order)
        hidden = [sorted(order[version::VERSIONS]) for version in range(min(VERSIONS, len(ids)))]
        mask = self.tokenizer.mask_token_id
        return [
            self._framed(
                [mask if place in set(places) else token for place, token in enumerate(ids)],
                places,
                [float(ids[place]) for place in places],
            )
            for places in hidden
        ]

    def _framed(self, ids: Sequence[int], places: Sequence[int], wanted: Sequence[float]) -> Marked:
        """Ids between the tokens that begin and end every text."""
        behind = tuple(place + len(self._before) for place in places)
        return Marked((*self._before, *ids, *self._after), behind, KINDS.index("text"), tuple(wanted))

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

    def _frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The tokens before and after every text."""
        bare, whole = self._ids("a"), tuple(self.tokenizer("a").input_ids)
        start = next((n for n in range(len(whole)) if whole[n : n + len(bare)] == bare), 0)
        return whole[:start], whole[start + len(bare) :]

    def _words(self, sentence: str) -> tuple[tuple[int, ...], dict[int, int]]:
        """The ids of a sentence, and for each of its words the place of its first token; a word may have none."""
        read = self.tokenizer(sentence, return_offsets_mapping=True)
        if len(read.input_ids) > self._longest:
            said = f"{sentence[:60]!r}: {len(read.input_ids)} tokens"
            raise AbreastError(f"{said}; model.base reads at most {self._longest}, and all of a sentence is tagged")
        starts, cursor = [], 0
        for word in sentence.split(" "):
            starts.append((cursor, cursor + len(word)))
            cursor += len(word) + 1
        first: dict[int, int] = {}
        for place, (start, end) in enumerate(read.offset_mapping):
            for word, (begin, stop) in enumerate(starts):
                if start < end and start < stop and end > begin:
                    first.setdefault(word, place)
        return tuple(read.input_ids), first
