"""Turns texts into token ids with labelled positions, and predictions at these positions back into answers."""

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
from abreast.learning.encoder.label_set import Labels

MASKED_VERSIONS = 6
"""Raw text is read in so many versions, each with another sixth of its tokens masked: near the 15 % of BERT (Devlin et
al. 2019, arXiv:1810.04805), and each token is predicted once."""


@dataclass(frozen=True)
class LabelledExample:
    """A text and its targets.

    Attributes:
        ids: all token ids.
        positions: the tokens at which something is predicted; None is one prediction from the mean of all tokens.
        kind: the number in `KINDS` of what is predicted.
        targets: for each position the number of a row or token, or a number in standard deviations.
        activation_index: 0, since an encoder's adapter is active in all of a text.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...] | None
    kind: int
    targets: tuple[float, ...]
    activation_index: int = 0


class LabelTokenizer:
    """Tokenizes texts for the heads of one model.

    Args:
        tokenizer: the base model's, a fast one, which gives the place of each token in the text.
        labels: the labels of the heads.
        longest: the number of tokens that the base can read.

    Attributes:
        invocation_tokens: none, since an encoder has no prompt.
    """

    invocation_tokens = ()

    def __init__(self, tokenizer: Any, labels: Labels, longest: int):
        if not tokenizer.is_fast:
            raise AbreastError("model.base: its tokenizer gives no token offsets; it needs a tokenizer.json")
        self.tokenizer, self.labels, self._longest = tokenizer, labels, longest
        self._before, self._after = self._special_tokens()

    def tokenize_example(self, kind: str, question: str, answer: str) -> LabelledExample:
        """A text with the targets of its answer, which is given in words.

        Raises:
            AbreastError: a sentence to tag is longer than the base model can read.
        """
        text = self.tokenize_question(kind, question)
        if kind == "classification":
            targets: Sequence[float] = [self.labels.classification.index(answer)]
        elif kind == "regression":
            scale = self.labels.regression
            targets = [(read_number(answer) - scale.mean) / scale.deviation]
        else:
            tags, words = tags_of(question, answer), self._words(question)[1]
            targets = [self.labels.tagging.index(tags[word]) for word in words] or [0]
        return LabelledExample(text.ids, text.positions, text.kind, tuple(map(float, targets)))

    def tokenize_question(self, kind: str, question: str) -> LabelledExample:
        """A text whose label, tags or number is asked; its targets are zeros.

        A text that is longer than the base can read is cut at the end (Sun et al. 2019, arXiv:1905.05583).

        Raises:
            AbreastError: a sentence to tag is longer than the base model can read.
        """
        if kind != "tagging":
            ids = tuple(self.tokenizer(question, truncation=True, max_length=self._longest).input_ids)
            return LabelledExample(ids, None, KINDS.index(kind), (0.0,))
        ids, words = self._words(question)
        positions = tuple(words.values()) or (0,)
        return LabelledExample(ids, positions, KINDS.index(kind), (0.0,) * len(positions))

    def decode(self, kind: str, question: str, predicted: Sequence[float]) -> str:
        """The answer in words from the predictions at the positions of `question`."""
        if kind == "classification":
            return self.labels.classification[int(predicted[0])]
        if kind == "regression":
            return number_answer(self.labels.regression.mean + self.labels.regression.deviation * predicted[0])
        words = question.split(" ")
        tags = [OUTSIDE] * len(words)
        for word, row in zip(self._words(question)[1], predicted, strict=False):
            tags[word] = self.labels.tagging[int(row)]
        return span_answer(words, tags)

    def split_text(self, text: str) -> list[LabelledExample]:
        """A text in pieces of almost equal length, at most `PIECE` tokens each, every piece in all masked versions."""
        return [version for piece in self._pieces(text) for version in self._masked_versions(piece)]

    def pick_piece(self, text: str, name: str) -> list[LabelledExample]:
        """The masked versions of one piece of a text, always the same one for one name; none of an empty text."""
        pieces = self._pieces(text)
        return self._masked_versions(pieces[crc32(name.encode()) % len(pieces)]) if pieces else []

    def fixed_pieces(self, text: str, length: int) -> list[LabelledExample]:
        """A text in pieces of exactly `length` tokens, nothing masked; a shorter rest is dropped."""
        ids = self._ids(text)
        whole = [ids[start : start + length] for start in range(0, len(ids) - length + 1, length)]
        return [self._framed(piece, range(length), (0.0,) * length) for piece in whole]

    def _pieces(self, text: str) -> list[tuple[int, ...]]:
        ids = self._ids(text)
        count = -(-len(ids) // min(PIECE, self._longest - len(self._before) - len(self._after)))
        bounds = [len(ids) * number // count for number in range(count + 1)] if count else []
        return [ids[start:end] for start, end in pairwise(bounds)]

    def _masked_versions(self, ids: tuple[int, ...]) -> list[LabelledExample]:
        """A piece in `MASKED_VERSIONS` versions, each with other tokens masked; the content of the piece seeds them."""
        order = list(range(len(ids)))
        random.Random(repr(ids)).shuffle(order)
        hidden = [sorted(order[version::MASKED_VERSIONS]) for version in range(min(MASKED_VERSIONS, len(ids)))]
        mask = self.tokenizer.mask_token_id
        return [
            self._framed(
                [mask if place in set(positions) else token for place, token in enumerate(ids)],
                positions,
                [float(ids[place]) for place in positions],
            )
            for positions in hidden
        ]

    def _framed(self, ids: Sequence[int], positions: Sequence[int], targets: Sequence[float]) -> LabelledExample:
        """Raw text between the special tokens that begin and end every text."""
        moved = tuple(place + len(self._before) for place in positions)
        return LabelledExample((*self._before, *ids, *self._after), moved, KINDS.index("text"), tuple(targets))

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

    def _special_tokens(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The tokens before and after every text."""
        bare, whole = self._ids("a"), tuple(self.tokenizer("a").input_ids)
        start = next((n for n in range(len(whole)) if whole[n : n + len(bare)] == bare), 0)
        return whole[:start], whole[start + len(bare) :]

    def _words(self, sentence: str) -> tuple[tuple[int, ...], dict[int, int]]:
        """The ids of a sentence, and the position of the first token of each word; a word may have no token."""
        encoding = self.tokenizer(sentence, return_offsets_mapping=True)
        if len(encoding.input_ids) > self._longest:
            found = f"{sentence[:60]!r}: {len(encoding.input_ids)} tokens"
            raise AbreastError(f"{found}; model.base reads at most {self._longest}, and all of a sentence is tagged")
        words, cursor = [], 0
        for word in sentence.split(" "):
            words.append((cursor, cursor + len(word)))
            cursor += len(word) + 1
        first: dict[int, int] = {}
        for place, (start, end) in enumerate(encoding.offset_mapping):
            for word, (begin, stop) in enumerate(words):
                if start < end and start < stop and end > begin:
                    first.setdefault(word, place)
        return tuple(encoding.input_ids), first
