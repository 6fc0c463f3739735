"""Answers from an encoder's heads, in the words in which a model that writes answers."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate
from abreast.inference.prediction import Prediction, with_log_probability
from abreast.learning.backbone.adapter import speaking
from abreast.learning.encoder.begin import longest
from abreast.learning.encoder.encoder_backbone import EncoderTrunk, masked_words
from abreast.learning.encoder.folder import Heads, read_heads
from abreast.learning.encoder.head import LabelHead
from abreast.learning.encoder.label_tokenizer import Marked, Marker
from abreast.learning.encoder.limits import NO_WORDS, check_in_context
from abreast.metrics.likelihood import perplexity

NOTHING = ""
"""What is said where there is no head for the question, as by an untrained base: it is right of no question."""


class LabelAnswerer:
    """One encoder with one adapter and its heads, or without any; as `abreast.inference.predictor.Answerer`."""

    def __init__(
        self,
        model: Any,
        adapter: str | None,
        trunk: EncoderTrunk,
        marker: Marker,
        head: LabelHead,
        limits: Evaluate,
        base_digest: str,
    ):
        self._model, self._adapter, self._trunk = model, adapter, trunk
        self._marker, self._head, self._limits, self.base_digest = marker, head, limits, base_digest

    def answer(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[str]:
        """The texts of `predict`."""
        return [one.text for one in self.predict(questions, guesses, check, kinds)]

    @torch.no_grad()
    def predict(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[Prediction]:
        """The answer to each question by the head for its kind; `guesses` and `check` save nothing here.

        The probability is that of the label, or of all tags of a sentence; a number has none.
        A number is read off each text by itself, so that its last digit does not depend on what else is asked.

        Args:
            kinds: the kind of record that each question is of; without it there must be one head alone.

        Raises:
            AbreastError: as `head_for` does, or a sentence to tag is longer than the base can read.
        """
        kinds = kinds or [self.head_for(None)] * len(questions)
        has = self._marker.labels.rows()
        marked = [self._marker.question(kind, text) for kind, text in zip(kinds, questions, strict=True)]
        order = sorted(range(len(questions)), key=lambda number: (kinds[number], len(marked[number].ids)))
        answers = dict.fromkeys(order, Prediction(NOTHING, None))
        with speaking(self._model, self._adapter, self._trunk):
            for kind in (kind for kind in dict.fromkeys(kinds) if kind in has):
                numbers = [number for number in order if kinds[number] == kind]
                size = 1 if kind == "regression" else self._limits.batch_size
                for start in range(0, len(numbers), size):
                    batch = numbers[start : start + size]
                    found = self._read_heads(kind, [marked[n] for n in batch])
                    for number, (values, log_probability) in zip(batch, found, strict=True):
                        text = self._marker.answer(kind, questions[number], values)
                        answers[number] = with_log_probability(text, log_probability)
        return [answers[number] for number in range(len(questions))]

    def perplexity(self, text: str) -> float | None:
        """The perplexity of masked tokens, as `foresee`, over all of a text; None without a head for masked words.

        Raises:
            AbreastError: the text is empty.
        """
        pieces = self._marker.passage(text)
        if not pieces:
            raise AbreastError("evaluate.general_text: the text is empty")
        if self._head.words is None:
            return None
        with speaking(self._model, self._adapter, self._trunk):
            return perplexity(*zip(*map(self._likelihood, pieces), strict=True))

    def foresee(self, texts: Sequence[str], names: Sequence[str]) -> list[tuple[float, int]]:
        """The mean natural log-likelihood of a masked token, and the number of tokens, in one piece of each text.

        Each token is masked once, in one of six versions of the piece, which its content decides: in between one
        masked token at a time, the pseudo-log-likelihood of Salazar et al. 2020 (arXiv:1910.14659), which costs as many
        passes as there are tokens, and the masks of training.

        Raises:
            AbreastError: the checkpoint has no head for masked words.
        """
        if texts and self._head.words is None:
            raise AbreastError(f"model.base: raw text is asked, but {NO_WORDS}")
        found = []
        with speaking(self._model, self._adapter, self._trunk):
            for text, name in zip(texts, names, strict=True):
                parts = [self._likelihood(piece) for piece in self._marker.one_piece(text, name)]
                tokens = sum(count for _, count in parts)
                found.append((sum(mean * count for mean, count in parts) / max(1, tokens), tokens))
        return found

    @torch.no_grad()
    def _likelihood(self, piece: Marked) -> tuple[float, int]:
        """The mean log-likelihood of the masked tokens of a piece, and their number; each piece is run by itself."""
        hidden, targets, _ = self._trunk.completions([piece])
        return -self._head.losses(hidden, targets).mean().item(), len(targets)

    def _read_heads(self, kind: str, texts: Sequence[Marked]) -> list[tuple[list[float], float | None]]:
        """At the places of each text the likeliest labels with their log-probability, or the number without one."""
        hidden, _, owner = self._trunk.completions(texts)
        scores = self._head.scores(kind, hidden)
        if kind == "regression":
            return [(scores[owner == row, 0].tolist(), None) for row in range(len(texts))]
        best = scores.float().log_softmax(-1).max(-1)
        return [
            (best.indices[owner == row].tolist(), best.values[owner == row].sum().item()) for row in range(len(texts))
        ]

    def head_for(self, kind: str | None) -> str:
        """The head that answers a question of that kind, or of none that is named.

        Raises:
            AbreastError: there is no such head, or there are several and none is named.
        """
        there = list(self._marker.labels.rows())
        if kind in there or (kind is None and len(there) == 1):
            return kind or there[0]
        named = "no kind is named" if kind is None else f"{kind!r} is none of them"
        raise AbreastError(f"this model has heads for {', '.join(there) or 'nothing'}, and {named}: ask with --kind")


def label_answerers(
    speaker: Any, plain: Any, tokenizer: Any, folders: dict[str, Path | None], upper: int, limits: Evaluate, digest: str
) -> dict[str, LabelAnswerer]:
    """One for each model folder, or for the base where that is None.

    Args:
        speaker: the encoder with all adapters, by the names in `folders`.
        plain: the encoder itself.
        upper: how many of its layers are adapted.
        digest: the base's.

    Raises:
        AbreastError: heads cannot be read, or `evaluate.in_context_examples` is set.
    """
    check_in_context(limits.in_context_examples)
    asleep = nullcontext if speaker is plain else speaker.disable_adapter
    words = masked_words(plain)
    trunk = EncoderTrunk(plain, upper, LabelHead({}), asleep)
    answerers = {}
    for name, folder in folders.items():
        heads = Heads() if folder is None else read_heads(folder)
        head = LabelHead({row: values.to(plain.device) for row, values in heads.rows.items()}, words=words)
        marker = Marker(tokenizer, heads.labels, longest(plain, tokenizer))
        adapter = None if folder is None else name
        answerers[name] = LabelAnswerer(speaker, adapter, trunk, marker, head, limits, digest)
    return answerers
