"""Predictions of an encoder's heads, in the same words in which a language model answers."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate
from abreast.inference.base_predictor import BasePredictor
from abreast.inference.prediction import Prediction, with_log_probability
from abreast.learning.backbone.adapter import use_adapter
from abreast.learning.encoder.encoder_backbone import EncoderBackbone, masked_lm_head
from abreast.learning.encoder.head import LabelHead
from abreast.learning.encoder.label_tokenizer import LabelledExample, LabelTokenizer
from abreast.learning.encoder.limits import NO_MASKED_LM, check_in_context
from abreast.learning.encoder.prepare import max_tokens
from abreast.learning.encoder.saved_heads import Heads, read_heads
from abreast.metrics.likelihood import perplexity

NO_ANSWER = ""
"""The answer where there is no head for the question, as of an untrained base: it is never right."""


class LabelPredictor(BasePredictor):
    """One encoder with one adapter and its heads, or without any; as `abreast.inference.predictor.Predictor`."""

    def __init__(
        self,
        model: Any,
        adapter: str | None,
        backbone: EncoderBackbone,
        label_tokenizer: LabelTokenizer,
        head: LabelHead,
        limits: Evaluate,
        base_digest: str,
    ):
        self._model, self._adapter, self._backbone = model, adapter, backbone
        self._tokenizer, self._head, self._limits, self.base_digest = label_tokenizer, head, limits, base_digest

    @torch.no_grad()
    def predict(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[Prediction]:
        """The answer to each question by the head for its kind; `guesses` and `check` have no effect here.

        The probability is that of the label, or of all tags of a sentence; a number has none.
        A number is predicted for each text by itself, so that its last digit does not depend on the other questions.

        Args:
            kinds: the kind of record of each question; it may be left out if there is only one head.

        Raises:
            AbreastError: as `head_for` does, or a sentence to tag is longer than the base can read.
        """
        kinds = kinds or [self.head_for(None)] * len(questions)
        heads = self._tokenizer.labels.rows()
        texts = [self._tokenizer.tokenize_question(kind, text) for kind, text in zip(kinds, questions, strict=True)]
        order = sorted(range(len(questions)), key=lambda number: (kinds[number], len(texts[number].ids)))
        answers = dict.fromkeys(order, Prediction(NO_ANSWER, None))
        with use_adapter(self._model, self._adapter, self._backbone):
            for kind in (kind for kind in dict.fromkeys(kinds) if kind in heads):
                numbers = [number for number in order if kinds[number] == kind]
                size = 1 if kind == "regression" else self._limits.batch_size
                for start in range(0, len(numbers), size):
                    batch = numbers[start : start + size]
                    found = self._read_heads(kind, [texts[n] for n in batch])
                    for number, (values, log_probability) in zip(batch, found, strict=True):
                        text = self._tokenizer.decode(kind, questions[number], values)
                        answers[number] = with_log_probability(text, log_probability)
        return [answers[number] for number in range(len(questions))]

    def perplexity(self, text: str) -> float | None:
        """The perplexity of masked tokens, as `score_text`, over all of a text; None without a masked LM head.

        Raises:
            AbreastError: the text is empty.
        """
        pieces = self._tokenizer.split_text(text)
        if not pieces:
            raise AbreastError("evaluate.general_text: the text is empty")
        if self._head.masked_lm is None:
            return None
        with use_adapter(self._model, self._adapter, self._backbone):
            return perplexity(*zip(*map(self._log_likelihood, pieces), strict=True))

    def score_text(self, texts: Sequence[str], names: Sequence[str]) -> list[tuple[float, int]]:
        """The mean natural log-likelihood of a masked token, and the number of tokens, in one piece of each text.

        Each token is masked once, in one of six versions of the piece, which depend on its content. This lies between
        the masks of training and the pseudo-log-likelihood of Salazar et al. 2020 (arXiv:1910.14659), which masks one
        token at a time and needs as many passes as there are tokens.

        Raises:
            AbreastError: the checkpoint has no masked language model head.
        """
        if texts and self._head.masked_lm is None:
            raise AbreastError(f"model.base: there are questions on raw text, but {NO_MASKED_LM}")
        found = []
        with use_adapter(self._model, self._adapter, self._backbone):
            for text, name in zip(texts, names, strict=True):
                parts = [self._log_likelihood(piece) for piece in self._tokenizer.pick_piece(text, name)]
                tokens = sum(count for _, count in parts)
                found.append((sum(mean * count for mean, count in parts) / max(1, tokens), tokens))
        return found

    def head_for(self, kind: str | None) -> str:
        """The head that answers a question of that kind; None is the only head.

        Raises:
            AbreastError: there is no such head, or there are several and `kind` is None.
        """
        heads = list(self._tokenizer.labels.rows())
        if kind in heads or (kind is None and len(heads) == 1):
            return kind or heads[0]
        problem = "no kind is given" if kind is None else f"{kind!r} is none of them"
        raise AbreastError(f"this model has heads for {', '.join(heads) or 'nothing'}, and {problem}: ask with --kind")

    @torch.no_grad()
    def _log_likelihood(self, piece: LabelledExample) -> tuple[float, int]:
        """The mean log-likelihood of the masked tokens of a piece, and their number; each piece is run by itself."""
        hidden, targets, _ = self._backbone.completion_states([piece])
        return -self._head.losses(hidden, targets).mean().item(), len(targets)

    def _read_heads(self, kind: str, texts: Sequence[LabelledExample]) -> list[tuple[list[float], float | None]]:
        """For each text the most likely labels at its positions and their log-probability, or the number and None."""
        hidden, _, owner = self._backbone.completion_states(texts)
        logits = self._head.logits(kind, hidden)
        if kind == "regression":
            return [(logits[owner == row, 0].tolist(), None) for row in range(len(texts))]
        best = logits.float().log_softmax(-1).max(-1)
        return [
            (best.indices[owner == row].tolist(), best.values[owner == row].sum().item()) for row in range(len(texts))
        ]


def load_label_predictors(
    model: Any,
    base_model: Any,
    tokenizer: Any,
    folders: dict[str, Path | None],
    top_layers: int,
    limits: Evaluate,
    base_digest: str,
) -> dict[str, LabelPredictor]:
    """A predictor for each model folder, or for the base where that is None.

    Args:
        model: the encoder with all adapters, by the names in `folders`.
        base_model: the encoder itself.
        top_layers: the number of its layers that have adapters.

    Raises:
        AbreastError: heads cannot be read, or `evaluate.in_context_examples` is set.
    """
    check_in_context(limits.in_context_examples)
    disable_adapter = nullcontext if model is base_model else model.disable_adapter
    masked_lm = masked_lm_head(base_model)
    backbone = EncoderBackbone(base_model, top_layers, LabelHead({}), disable_adapter)
    predictors = {}
    for name, folder in folders.items():
        heads = Heads() if folder is None else read_heads(folder)
        rows = {row: values.to(base_model.device) for row, values in heads.rows.items()}
        head = LabelHead(rows, masked_lm=masked_lm)
        label_tokenizer = LabelTokenizer(tokenizer, heads.labels, max_tokens(base_model, tokenizer))
        adapter = None if folder is None else name
        predictors[name] = LabelPredictor(model, adapter, backbone, label_tokenizer, head, limits, base_digest)
    return predictors
