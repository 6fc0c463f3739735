"""Answers of a language model: greedy, in batches, with or without an adapter."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate
from abreast.inference.base_predictor import BasePredictor
from abreast.inference.prediction import Prediction, with_log_probability
from abreast.learning.backbone.adapter import use_adapter
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.generation import Generation, generate
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer, TokenizedExample
from abreast.metrics.likelihood import perplexity

WINDOW = 256
"""Tokens that perplexity is measured over at a time."""


class Predictor(BasePredictor):
    """One base, with one adapter or without.

    Args:
        model: the causal language model with all adapters injected.
        prompt_tokenizer: puts questions into the prompt of the model folder.
        adapter: the adapter's name; None is the base alone.
        backbone: runs the texts that are scored rather than generated.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        prompt_tokenizer: PromptTokenizer,
        adapter: str | None,
        backbone: CachedBackbone,
        limits: Evaluate,
        base_digest: str,
    ):
        self._model, self._tokenizer, self._prompt_tokenizer, self._adapter = (
            model,
            tokenizer,
            prompt_tokenizer,
            adapter,
        )
        self._backbone, self._limits, self.base_digest = backbone, limits, base_digest

    def predict(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[Prediction]:
        """The greedy answer to each question, at most `evaluate.max_new_tokens` long (or as long as its guesses).

        Its probability includes that of the end token.

        Args:
            guesses: for each question, answers that the model may well give. A guess is the greedy answer if each of
                its tokens, and then the end, is the most likely one: one pass instead of one for each token.
            check: whether to try the guesses; pointless for a model that does not end its answers.
            kinds: the kind of record of each question; it has no effect here.
        """
        answers: dict[int, Prediction] = {}
        with self._active_adapter():
            if guesses is not None and check:
                answers |= self._confirm_guesses(questions, guesses)
            rest = [number for number in range(len(questions)) if number not in answers]
            answers |= self._generate(questions, rest, guesses)
        return [answers[number] for number in range(len(questions))]

    def generate(self, questions: Sequence[str], max_new_tokens: int) -> list[Generation]:
        """The greedy answer to each question, and whether the model ended it."""
        generations: list[Generation] = []
        with self._active_adapter():
            for start in range(0, len(questions), self._limits.batch_size):
                batch = questions[start : start + self._limits.batch_size]
                generations += generate(self._backbone, self._prompt_tokenizer, batch, max_new_tokens)
        return generations

    @torch.no_grad()
    def agreement(self, questions: Sequence[str], answers: Sequence[Sequence[int]]) -> list[float]:
        """For each question the share of the answer's tokens that this model predicts before it first differs.

        Args:
            answers: token ids.
        """
        texts = [self._prompt_tokenizer.with_answer_ids(*pair) for pair in zip(questions, answers, strict=True)]
        self._backbone.precompute(texts)
        shares = []
        with self._active_adapter():
            for text in texts:
                logits, targets, _ = self._backbone.logits([text])
                shares.append((logits.argmax(-1) == targets).float().cumprod(0).mean().item())
        return shares

    def head_for(self, kind: str | None) -> str:
        """The head that answers a question of that kind: a language model answers all kinds in words."""
        return kind or "words"

    @torch.no_grad()
    def perplexity(self, text: str) -> float:
        """`abreast.metrics.likelihood.perplexity` in windows of 256 tokens.

        Each window is scored as an answer, so that an activated adapter is active in all of it.

        Raises:
            AbreastError: the text is empty.
        """
        ids = tuple(self._tokenizer(text).input_ids)
        pieces = [ids[start : start + WINDOW] for start in range(0, len(ids), WINDOW)]
        windows = [self._prompt_tokenizer.as_completion(piece) for piece in pieces]
        if not windows:
            raise AbreastError("evaluate.general_text: the text is empty")
        self._backbone.precompute(windows)
        counts = [len(window.completion) for window in windows]
        with self._active_adapter():
            means = [-self._loss(window) / count for window, count in zip(windows, counts, strict=True)]
        return perplexity(means, counts)

    @torch.no_grad()
    def score_text(self, texts: Sequence[str], names: Sequence[str]) -> list[tuple[float, int]]:
        """The mean natural log-likelihood of a token, and the number of tokens, in one piece of each text.

        Each piece is run by itself, so that no figure depends on the other texts.

        Args:
            names: choose the piece of a long text; one name always chooses the same piece.
        """
        found = []
        with self._active_adapter():
            for text, name in zip(texts, names, strict=True):
                pieces = self._prompt_tokenizer.pick_piece(text, name)
                self._backbone.precompute(pieces)
                tokens = sum(len(piece.completion) for piece in pieces)
                found.append((-sum(map(self._loss, pieces)) / max(1, tokens), tokens))
        return found

    def _loss(self, text: TokenizedExample) -> float:
        """The sum of the negative log-likelihoods of the completion's tokens."""
        logits, targets, _ = self._backbone.logits([text])
        return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum").item()

    @torch.no_grad()
    def _confirm_guesses(self, questions: Sequence[str], guesses: Sequence[Sequence[str]]) -> dict[int, Prediction]:
        """The guesses that are greedy answers, by question number."""
        pair = self._prompt_tokenizer.pair
        drafts = [(n, guess, pair(questions[n], guess)) for n, some in enumerate(guesses) for guess in some if guess]
        drafts.sort(key=lambda draft: len(draft[2].ids))
        self._backbone.precompute([text for *_, text in drafts])
        confirmed = {}
        for start in range(0, len(drafts), self._limits.batch_size):
            batch = drafts[start : start + self._limits.batch_size]
            logits, targets, owner = self._backbone.logits([text for *_, text in batch])
            wrong = set(owner[logits.argmax(-1) != targets].tolist())
            losses = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
            sums = torch.zeros(len(batch), device=losses.device).index_add_(0, owner.to(losses.device), losses).tolist()
            confirmed |= {
                n: with_log_probability(guess, -sums[row])
                for row, (n, guess, _) in enumerate(batch)
                if row not in wrong
            }
        return confirmed

    def _generate(self, questions: Sequence[str], numbers: list[int], guesses: Any) -> dict[int, Prediction]:
        order = sorted(numbers, key=lambda n: len(self._prompt_tokenizer.prompt_ids(questions[n])))
        answers = {}
        for start in range(0, len(order), self._limits.batch_size):
            batch = order[start : start + self._limits.batch_size]
            lengths = [self._length(guess) for n in batch for guess in (guesses or {n: ()})[n]]
            limit = max([self._limits.max_new_tokens, *lengths])
            generations = generate(self._backbone, self._prompt_tokenizer, [questions[n] for n in batch], limit)
            found = [with_log_probability(one.text, one.log_probability) for one in generations]
            answers |= dict(zip(batch, found, strict=True))
        return answers

    def _length(self, answer: str) -> int:
        return len(self._tokenizer(f" {answer}", add_special_tokens=False).input_ids) + 1

    def _active_adapter(self) -> AbstractContextManager:
        return use_adapter(self._model, self._adapter, self._backbone)
