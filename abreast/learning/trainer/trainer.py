"""The training loop: from tokenized examples to trained weights, resumable at any step."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from abreast.core.settings import Train
from abreast.learning.backbone.protocols import TokenizedText
from abreast.learning.methods.protocol import (
    AfterBackward,
    EvalWeights,
    ExtraBatch,
    ExtraLoss,
    OnStepEnd,
    OnTrainBegin,
    OnTrainEnd,
    TrainingRun,
    TrainingStep,
)
from abreast.learning.trainer.batches import make_batches
from abreast.learning.trainer.checkpoint import Checkpoints, Progress, optimizer_tensors, restore_optimizer
from abreast.learning.trainer.dev_evaluator import DevEvaluator, DevMetrics, DevScore
from abreast.learning.trainer.early_stopping import reason_to_stop, update_progress
from abreast.learning.trainer.leitner_schedule import LeitnerSchedule
from abreast.learning.trainer.optimizer import learning_rate, make_optimizer


@dataclass(frozen=True)
class TrainingResult:
    """Why training stopped, the best evaluation, and the curve: one row for each evaluation.

    `best` is the share of exact answers on the development set, and minus the mean loss.
    """

    reason: str
    best: tuple[float, float]
    steps: int
    tokens: int
    epochs: int
    curve: list[dict[str, float]]


class Trainer:
    """Trains `run.parameters` on `run.examples`.

    Args:
        run: the training as the methods see it.
        methods: in order; see `abreast.learning.methods.protocol`.
        first_due: for each example the epoch in which it is shown for the first time.
        dev: evaluates each epoch; it decides on early stopping and on the weights to keep.
        lr: the highest learning rate.
        report: called with the share done and a note.
        on_evaluation: called with the curve so far after each evaluation.
    """

    def __init__(
        self,
        run: TrainingRun,
        methods: Sequence[Any],
        first_due: Sequence[int],
        dev: DevEvaluator,
        train: Train,
        lr: float,
        checkpoints: Checkpoints,
        report: Callable[[float, str], None] = lambda share, note: None,
        on_evaluation: Callable[[list[dict[str, float]]], None] = lambda curve: None,
    ):
        self._run, self._methods, self._backbone, self._examples = run, methods, run.backbone, run.examples
        self._first_due, self._dev, self._train, self._lr = first_due, dev, train, lr
        self._checkpoints, self._report, self._on_evaluation = checkpoints, report, on_evaluation
        self._parameters = list(run.parameters.values())
        self._optimizer = make_optimizer(self._parameters, train, lr)
        self._best = run.weights()
        self._progress = self._first_progress()
        self._saved_at = time.monotonic()

    def run(self) -> TrainingResult:
        """Train until early stopping or a limit; leaves the best weights in the model."""
        self._backbone.precompute([*self._examples, *self._dev.texts])
        self._head = self._backbone.head.restrict_to(self._backbone, self._examples)
        for method in self._methods_with(OnTrainBegin):
            method.on_train_begin(self._run)
        if self._examples:
            self._dev.record_parent()
        self._resume()
        reason = None if self._examples else "there was nothing to learn"
        while reason is None:
            self._run_epoch()
            reason = reason_to_stop(self._progress, self._evaluate(), self._train)
            if reason is None:
                self._next_epoch()
                self._save()
        self._run.put(self._best)
        for method in self._methods_with(OnTrainEnd):
            method.on_train_end(self._run, self._score)
        p = self._progress
        return TrainingResult(reason, tuple(p.best or (0.0, 0.0)), p.steps, p.tokens, p.epoch + 1, p.curve)

    def _methods_with(self, hook: type) -> list[Any]:
        return [method for method in self._methods if isinstance(method, hook)]

    def _first_progress(self) -> Progress:
        schedule = LeitnerSchedule.fresh(self._first_due)
        batches, threads = self._batches(schedule, 0), torch.get_num_threads()
        return Progress(0, batches, 0, 0, 0, schedule.streak, schedule.due, None, 0, 0, [], [], threads)

    def _batches(self, schedule: LeitnerSchedule, epoch: int) -> list[list[int]]:
        lengths = {text: len(self._examples[text].ids) for text in schedule.due_in(epoch)}
        seed, experts = f"{self._train.seed}:{epoch}", dict(enumerate(self._run.experts))
        return make_batches(lengths, self._train.tokens_per_batch, seed, experts)

    def _run_epoch(self) -> None:
        p = self._progress
        while p.position < len(p.batches) and p.tokens < self._train.max_tokens:
            batches = p.batches[p.position : p.position + self._train.gradient_accumulation_steps]
            self._step(batches)
            p.position += len(batches)
            self._report(self._share_done(), f"epoch {p.epoch + 1}, {p.tokens} tokens, loss {p.running_loss[-1]:.2f}")
            if time.monotonic() - self._saved_at >= self._train.checkpoint_seconds:
                self._save()

    def _step(self, batches: list[list[int]]) -> None:
        """One optimizer step on the mean gradient of some batches."""
        p, self._run.steps, self._run.share = self._progress, self._progress.steps, self._share_done()
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate()
        with self._backbone.dropout(self._train.seed * 1_000_003 + p.steps):
            for batch in batches:
                self._learn(batch)
        for parameter in self._parameters if len(batches) > 1 else ():
            if parameter.grad is not None:
                parameter.grad.div_(len(batches))
        torch.nn.utils.clip_grad_norm_(self._parameters, self._train.max_grad_norm)
        self._optimizer.step()
        for method in self._methods_with(OnStepEnd):
            method.on_step_end(self._run)
        self._optimizer.zero_grad(set_to_none=True)
        p.steps += 1

    def _learn(self, batch: list[int]) -> None:
        """Add the gradients of one batch, and record how it was answered."""
        p, examples = self._progress, [self._examples[text] for text in batch]
        losses, is_confident, owner = self._backward(examples)
        confident = torch.ones(len(examples), device=losses.device)
        confident = confident.scatter_reduce(0, owner, is_confident.float(), "amin")
        LeitnerSchedule(p.streak, p.due).record(batch, confident.bool().tolist(), p.epoch)
        p.tokens += sum(len(text.ids) for text in examples)
        p.running_loss.append(losses.mean().item())

    def _backward(self, examples: list[TokenizedText]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Compute the gradients of one batch.

        Returns:
            For each target its loss, whether it is predicted with confidence, and the number of its example.
        """
        added = [text for method in self._methods_with(ExtraBatch) for text in method.extra_batch(self._run)]
        texts, repeating = [*examples, *added], self._methods_with(AfterBackward)
        perturbation = self._backbone.input_perturbation(texts) if repeating else None
        hidden, targets, owner = self._backbone.completion_states(texts, perturbation)
        own = int((owner < len(examples)).sum())
        losses = self._head.losses(hidden[:own], targets[:own])
        step = TrainingStep(texts, len(examples), hidden, targets, owner, losses)
        total = losses.mean()
        for method in self._methods_with(ExtraLoss):
            total = total + method.extra_loss(self._run, step)
        total.backward()
        for method in repeating:
            gradient = perturbation.grad[: len(examples)]
            method.after_backward(self._run, gradient, lambda change: self._perturbed_loss(examples, change))
        losses = losses.detach()
        confident = self._backbone.head.is_confident(losses, targets[:own], self._train.skip_above_probability)
        return losses, confident, owner[:own]

    def _perturbed_loss(self, examples: list[TokenizedText], perturbation: torch.Tensor) -> torch.Tensor:
        """The mean loss of the examples on perturbed input; `perturbation` may be longer than they are."""
        hidden, targets, _ = self._backbone.completion_states(examples, perturbation)
        return self._head.losses(hidden, targets).mean()

    def _learning_rate(self) -> float:
        return learning_rate(self._share_done(), self._train, self._lr)

    def _share_done(self) -> float:
        p = self._progress
        epochs = (p.epoch + p.position / max(1, len(p.batches))) / self._train.epochs
        return min(1.0, max(epochs, p.tokens / self._train.max_tokens))

    def _evaluate(self) -> DevMetrics:
        """Evaluate the development set; keep the weights if they are the best so far, or if it is empty."""
        p, choosing = self._progress, self._methods_with(EvalWeights)
        last = self._run.weights() if choosing else None
        for method in choosing:
            self._run.put(method.eval_weights(self._run))
        metrics = self._dev.evaluate()
        loss = sum(p.running_loss) / len(p.running_loss) if p.running_loss else 0.0
        p.running_loss = []
        if update_progress(p, metrics, self._dev.parent_exact, self._train) or not self._dev:
            self._best = self._run.weights()
        if last is not None:
            self._run.put(last)
        p.curve.append(self._curve_row(metrics, loss))
        sides = {"new": metrics.new, "old": metrics.old}
        shares = " and ".join(f"{share:.0%} of {side}" for side, share in sides.items() if share is not None)
        self._report(self._share_done(), f"checked: {shares or 'no questions'}")
        self._on_evaluation(p.curve)
        return metrics

    def _curve_row(self, metrics: DevMetrics, loss: float) -> dict[str, float | None]:
        p = self._progress
        return {
            "step": p.steps,
            "tokens": p.tokens,
            "loss": loss,
            "lr": self._learning_rate(),
            "dev_exact_match": metrics.both.exact,
            "dev_loss": metrics.both.loss,
            "dev_new_exact": metrics.new,
            "dev_old_exact": metrics.old,
            "dev_kl": metrics.kl,
        }

    def _score(self) -> DevScore:
        return self._dev.evaluate().both

    def _next_epoch(self) -> None:
        """Go to the next epoch in which any text is due."""
        p = self._progress
        p.epoch, p.position = max(p.epoch + 1, min(p.due)), 0
        p.batches = self._batches(LeitnerSchedule(p.streak, p.due), p.epoch)

    def _save(self) -> None:
        tensors = {f"weights/{name}": p.detach() for name, p in self._run.parameters.items()}
        tensors |= {f"state/{name}": value for name, value in self._run.state.items()}
        tensors |= {f"best/{name}": value for name, value in self._best.items()}
        tensors |= {f"optimizer/{name}": value for name, value in optimizer_tensors(self._optimizer).items()}
        self._checkpoints.save(self._progress, tensors)
        self._saved_at = time.monotonic()

    def _resume(self) -> None:
        if (found := self._checkpoints.load()) is None:
            return
        self._progress, tensors = found
        print(f"resumed at step {self._progress.steps}, {self._progress.tokens} tokens", flush=True)
        parts = {part: {} for part in ("weights", "best", "optimizer", "state")}
        for name, value in tensors.items():
            part, inner = name.split("/", 1)
            parts[part][inner] = value.to(self._backbone.model.device)
        self._run.put(parts["weights"])
        self._best, self._run.state = parts["best"], parts["state"]
        restore_optimizer(self._optimizer, parts["optimizer"])
