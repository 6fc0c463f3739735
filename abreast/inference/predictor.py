"""Answers from the base, or from the base with an adapter: greedy, in batches, one loaded base for all of them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate, Model
from abreast.inference.label_predictor import LabelAnswerer, label_answerers
from abreast.inference.prediction import Prediction, with_log_probability
from abreast.learning.backbone.adapter import add_adapter, saved_settings, speaking
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.base_model import find_base, load_base
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.generation import Spoken, greedy
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder
from abreast.learning.model_folder import Card, read_card
from abreast.metrics.likelihood import perplexity

WINDOW = 256
"""Tokens that perplexity is measured over at a time."""


class Answerer:
    """One base and one adapter, or none.

    Args:
        model: the causal language model with all adapters injected.
        encoder: puts questions into the prompt of the adapter's card.
        adapter: which one speaks; None is the base alone.
        trunk: runs the texts that are checked rather than generated.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        encoder: Encoder,
        adapter: str | None,
        trunk: Trunk,
        limits: Evaluate,
        base_digest: str,
    ):
        self._model, self._tokenizer, self._encoder, self._adapter = model, tokenizer, encoder, adapter
        self._trunk, self._limits, self.base_digest = trunk, limits, base_digest

    def answer(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[str]:
        """The texts of `predict`."""
        return [one.text for one in self.predict(questions, guesses, check, kinds)]

    def predict(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[Prediction]:
        """The greedy answer to each question, at most `evaluate.max_new_tokens` long (or as long as its guesses).

        Its probability includes the end after it.

        Args:
            guesses: for each question, answers that the model may well give. A guess whose every token, and the end
                after it, is the model's most likely one is the greedy answer: one pass instead of one for each token.
            check: whether the guesses are tried; a model that goes on after its answer would never confirm one.
            kinds: the kind of record that each question is of; all are answered alike.
        """
        answers: dict[int, Prediction] = {}
        with self._speaking():
            if guesses is not None and check:
                answers |= self._confirm(questions, guesses)
            rest = [number for number in range(len(questions)) if number not in answers]
            answers |= self._generate(questions, rest, guesses)
        return [answers[number] for number in range(len(questions))]

    def speak(self, questions: Sequence[str], limit: int) -> list[Spoken]:
        """The greedy answer to each question, at most `limit` tokens long, and whether it was ended."""
        spoken: list[Spoken] = []
        with self._speaking():
            for start in range(0, len(questions), self._limits.batch_size):
                batch = questions[start : start + self._limits.batch_size]
                spoken += greedy(self._trunk, self._encoder, batch, limit)
        return spoken

    @torch.no_grad()
    def agree(self, questions: Sequence[str], said: Sequence[Sequence[int]]) -> list[float]:
        """Of the tokens said to each question the share that this model says too before it says something else."""
        texts = [self._encoder.said(question, answer) for question, answer in zip(questions, said, strict=True)]
        self._trunk.plan(texts)
        shares = []
        with self._speaking():
            for text in texts:
                logits, targets, _ = self._trunk.logits([text])
                shares.append((logits.argmax(-1) == targets).float().cumprod(0).mean().item())
        return shares

    def head_for(self, kind: str | None) -> str:
        """Which head answers a question of that kind: all are answered in words."""
        return kind or "words"

    @torch.no_grad()
    def perplexity(self, text: str) -> float:
        """`measures.likelihood.perplexity` in windows of 256 tokens.

        Each window is measured as an answer: an adapter that sleeps until it is asked is awake in all of it.

        Raises:
            AbreastError: the text is empty.
        """
        ids = tuple(self._tokenizer(text).input_ids)
        windows = [self._encoder.as_answer(ids[start : start + WINDOW]) for start in range(0, len(ids), WINDOW)]
        if not windows:
            raise AbreastError("evaluate.general_text: the text is empty")
        self._trunk.plan(windows)
        counts = [len(window.completion) for window in windows]
        with self._speaking():
            means = [-self._loss(window) / count for window, count in zip(windows, counts, strict=True)]
        return perplexity(means, counts)

    @torch.no_grad()
    def foresee(self, texts: Sequence[str], names: Sequence[str]) -> list[tuple[float, int]]:
        """The mean natural log-likelihood of a token, and the number of tokens, in one piece of each text.

        Each piece is run by itself, so that no figure depends on what else is asked.

        Args:
            names: which piece of a long text is taken is always the same for one name.
        """
        found = []
        with self._speaking():
            for text, name in zip(texts, names, strict=True):
                pieces = self._encoder.one_piece(text, name)
                self._trunk.plan(pieces)
                tokens = sum(len(piece.completion) for piece in pieces)
                found.append((-sum(map(self._loss, pieces)) / max(1, tokens), tokens))
        return found

    def _loss(self, text: Encoded) -> float:
        """The sum of the negative log-likelihoods of the completion's tokens."""
        logits, targets, _ = self._trunk.logits([text])
        return torch.nn.functional.cross_entropy(logits.float(), targets, reduction="sum").item()

    @torch.no_grad()
    def _confirm(self, questions: Sequence[str], guesses: Sequence[Sequence[str]]) -> dict[int, Prediction]:
        """Which guesses are the greedy answers, by question number."""
        drafts = [(n, g, self._encoder.pair(questions[n], g)) for n, some in enumerate(guesses) for g in some if g]
        drafts.sort(key=lambda draft: len(draft[2].ids))
        self._trunk.plan([text for *_, text in drafts])
        confirmed = {}
        for start in range(0, len(drafts), self._limits.batch_size):
            batch = drafts[start : start + self._limits.batch_size]
            logits, targets, owner = self._trunk.logits([text for *_, text in batch])
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
        order = sorted(numbers, key=lambda n: len(self._encoder.question(questions[n])))
        answers = {}
        for start in range(0, len(order), self._limits.batch_size):
            batch = order[start : start + self._limits.batch_size]
            limit = max(
                [self._limits.max_new_tokens, *(self._length(g) for n in batch for g in (guesses or {n: ()})[n])]
            )
            spoken = greedy(self._trunk, self._encoder, [questions[n] for n in batch], limit)
            found = [with_log_probability(one.text, one.log_probability) for one in spoken]
            answers |= dict(zip(batch, found, strict=True))
        return answers

    def _length(self, answer: str) -> int:
        return len(self._tokenizer(f" {answer}", add_special_tokens=False).input_ids) + 1

    def _speaking(self) -> AbstractContextManager:
        """Make this answerer's adapter the active one."""
        return speaking(self._model, self._adapter, self._trunk)


def load_answerers(
    folders: dict[str, Path | None], model: Model, limits: Evaluate | None = None
) -> dict[str, Answerer] | dict[str, LabelAnswerer]:
    """Load the base once and the adapter of each model folder; None stands for the base alone.

    Raises:
        AbreastError: a folder is not a complete model folder, belongs to another base, or is adapted in another way
            than the others.
    """
    from abreast.inference.routed_predictor import Panel, voices_of

    base = find_base(model.base)
    cards = {name: read_card(folder) for name, folder in folders.items() if folder is not None}
    _check_cards(cards, folders, model, base.digest)
    speaker, tokenizer, _ = load_base(model, base)
    plain, sleeps = speaker, {}
    for name, card in cards.items():
        for voice, part in (voices_of(folders[name], name) if card.experts else {name: folders[name]}).items():
            settings, sleeps[name] = saved_settings(part)
            speaker = add_adapter(speaker, settings, voice, part)
    upper = max((card.top_layers for card in cards.values()), default=plain.config.num_hidden_layers)
    limits = limits or Evaluate()
    if is_encoder(plain.config):
        return label_answerers(speaker, plain, tokenizer, folders, upper, limits, base.digest)
    trunk = Trunk(plain, upper, speaker.disable_adapter if cards else nullcontext)
    longest = getattr(plain.config, "max_position_embeddings", None)
    answerers = {}
    for name in folders:
        prompt, adapter = (cards[name].prompt, name) if name in cards else (model.prompt, None)
        encoder = Encoder(tokenizer, prompt, longest, sleeps.get(name, True))
        if adapter and cards[name].experts:
            answerers[name] = Panel(speaker, tokenizer, encoder, folders[name], name, trunk, limits, base.digest)
        else:
            answerers[name] = Answerer(speaker, tokenizer, encoder, adapter, trunk, limits, base.digest)
    return answerers


def _check_cards(cards: dict[str, Card], folders: dict[str, Path | None], model: Model, digest: str) -> None:
    """Refuse models of another base, and, as PEFT does, models of several methods in one base."""
    for name, card in cards.items():
        if card.base_digest != digest:
            raise AbreastError(f"model.base: {model.base!r} is not the base {card.base!r} of {folders[name]}")
    methods = {name: card.peft.get("method") for name, card in cards.items()}
    if len(set(methods.values())) > 1:
        each = ", ".join(f"{folders[name]} by {method}" for name, method in methods.items())
        raise AbreastError(f"train.peft: models adapted in different ways cannot be asked together: {each}")


def load_answerer(folder: Path | None, model: Model) -> Answerer | LabelAnswerer:
    """The model in `folder`, or the untrained base; raises as `load_answerers` does."""
    return load_answerers({"model": folder}, model)["model"]
