"""The training loop: from encoded examples to adapter weights, resumable at any step."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from abreast.core.settings import Train
from abreast.learning.backbone.protocols import Text
from abreast.learning.methods.protocol import Adds, Begins, Ends, Follows, Offers, Penalises, Repeats, Run, Step
from abreast.learning.trainer.batches import Boxes, make_batches
from abreast.learning.trainer.checkpoint import Checkpoints, Progress, optimizer_tensors, restore_optimizer
from abreast.learning.trainer.dev_evaluator import Check, Development, Score
from abreast.learning.trainer.early_stopping import note, reason_to_stop
from abreast.learning.trainer.optimizer import make_optimizer, rate


@dataclass(frozen=True)
class Outcome:
    """Why training stopped, the best check on the development set, and the curve: one row for each check."""

    reason: str
    best: tuple[float, float]
    steps: int
    tokens: int
    epochs: int
    curve: list[dict[str, float]]


class Trainer:
    """Trains `run.parameters` on `run.examples`.

    Args:
        run: the training as strategies see it.
        strategies: what they do beside the lessons, in order; see `abreast.learning.methods.protocol`.
        first_due: for each example the epoch in which it is shown for the first time.
        dev: what is asked after each epoch; training stops early by it, and its best weights are kept.
        lr: the highest learning rate.
        report: called with the share done and a note.
        checked: called with the curve so far after each check.
    """

    def __init__(
        self,
        run: Run,
        strategies: Sequence[Any],
        first_due: Sequence[int],
        dev: Development,
        train: Train,
        lr: float,
        checkpoints: Checkpoints,
        report: Callable[[float, str], None] = lambda share, note: None,
        checked: Callable[[list[dict[str, float]]], None] = lambda curve: None,
    ):
        self._run, self._strategies, self._trunk, self._examples = run, strategies, run.trunk, run.examples
        self._first_due, self._dev, self._train, self._lr = first_due, dev, train, lr
        self._checkpoints, self._report, self._checked = checkpoints, report, checked
        self._parameters = list(run.parameters.values())
        self._optimizer = make_optimizer(self._parameters, train, lr)
        self._best = run.weights()
        self._progress = self._start()
        self._saved_at = time.monotonic()

    def _that(self, hook: type) -> list[Any]:
        """The strategies that have a hook."""
        return [strategy for strategy in self._strategies if isinstance(strategy, hook)]

    def run(self) -> Outcome:
        """Train until the development set says stop or a limit is reached; leaves the best weights in the model."""
        self._trunk.plan([*self._examples, *self._dev.texts])
        self._head = self._trunk.head.narrowed(self._trunk, self._examples)
        for strategy in self._that(Begins):
            strategy.begin(self._run)
        if self._examples:
            self._dev.begin()
        self._resume()
        reason = None if self._examples else "there was nothing to learn"
        while reason is None:
            self._epoch()
            reason = reason_to_stop(self._progress, self._check(), self._train)
            if reason is None:
                self._next_epoch()
                self._save()
        self._run.put(self._best)
        for strategy in self._that(Ends):
            strategy.end(self._run, self._score)
        p = self._progress
        return Outcome(reason, tuple(p.best or (0.0, 0.0)), p.steps, p.tokens, p.epoch + 1, p.curve)

    def _start(self) -> Progress:
        boxes = Boxes.fresh(self._first_due)
        batches, threads = self._plan(boxes, 0), torch.get_num_threads()
        return Progress(0, batches, 0, 0, 0, boxes.streak, boxes.due, None, 0, 0, [], [], threads)

    def _plan(self, boxes: Boxes, epoch: int) -> list[list[int]]:
        lengths = {text: len(self._examples[text].ids) for text in boxes.due_in(epoch)}
        return make_batches(
            lengths, self._train.tokens_per_batch, f"{self._train.seed}:{epoch}", dict(enumerate(self._run.experts))
        )

    def _epoch(self) -> None:
        p = self._progress
        while p.position < len(p.batches) and p.tokens < self._train.max_tokens:
            batches = p.batches[p.position : p.position + self._train.gradient_accumulation_steps]
            self._step(batches)
            p.position += len(batches)
            self._report(self._share_done(), f"epoch {p.epoch + 1}, {p.tokens} tokens, loss {p.running_loss[-1]:.2f}")
            if time.monotonic() - self._saved_at >= self._train.checkpoint_seconds:
                self._save()

    def _step(self, batches: list[list[int]]) -> None:
        """One step of the optimizer, on the mean of the gradients of some batches."""
        p, self._run.steps, self._run.share = self._progress, self._progress.steps, self._share_done()
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        with self._trunk.dropout(self._train.seed * 1_000_003 + p.steps):
            for batch in batches:
                self._read(batch)
        for parameter in self._parameters if len(batches) > 1 else ():
            if parameter.grad is not None:
                parameter.grad.div_(len(batches))
        torch.nn.utils.clip_grad_norm_(self._parameters, self._train.max_grad_norm)
        self._optimizer.step()
        for strategy in self._that(Follows):
            strategy.follow(self._run)
        self._optimizer.zero_grad(set_to_none=True)
        p.steps += 1

    def _read(self, batch: list[int]) -> None:
        """Add the gradients of one batch, and note how it was answered."""
        p, lessons = self._progress, [self._examples[text] for text in batch]
        losses, sure, owner = self._learn(lessons)
        confident = torch.ones(len(lessons), device=losses.device).scatter_reduce(0, owner, sure.float(), "amin")
        Boxes(p.streak, p.due).record(batch, confident.bool().tolist(), p.epoch)
        p.tokens += sum(len(text.ids) for text in lessons)
        p.running_loss.append(losses.mean().item())

    def _learn(self, lessons: list[Text]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Make the gradients of one batch; gives the loss of each of its targets, whether it is said with confidence,
        and which lesson it is of.
        """
        texts = [*lessons, *(text for strategy in self._that(Adds) for text in strategy.texts(self._run))]
        repeating = self._that(Repeats)
        shift = self._trunk.shift(texts) if repeating else None
        hidden, targets, owner = self._trunk.completions(texts, shift)
        own = int((owner < len(lessons)).sum())
        losses = self._head.losses(hidden[:own], targets[:own])
        step = Step(texts, len(lessons), hidden, targets, owner, losses)
        total = losses.mean()
        for strategy in self._that(Penalises):
            total = total + strategy.penalty(self._run, step)
        total.backward()
        for strategy in repeating:
            strategy.repeat(self._run, shift.grad[: len(lessons)], lambda shift: self._again(lessons, shift))
        losses = losses.detach()
        return losses, self._trunk.head.sure(losses, targets[:own], self._train.skip_above_probability), owner[:own]

    def _again(self, lessons: list[Text], shift: torch.Tensor) -> torch.Tensor:
        """The mean loss of the lessons with what is read shifted; `shift` may be longer than they are."""
        hidden, targets, _ = self._trunk.completions(lessons, shift)
        return self._head.losses(hidden, targets).mean()

    def _rate(self) -> float:
        return rate(self._share_done(), self._train, self._lr)

    def _share_done(self) -> float:
        p = self._progress
        epochs = (p.epoch + p.position / max(1, len(p.batches))) / self._train.epochs
        return min(1.0, max(epochs, p.tokens / self._train.max_tokens))

    def _check(self) -> Check:
        """Ask the development questions; keep the weights if they are the best so far, or if nothing can be asked."""
        p, offering = self._progress, self._that(Offers)
        last = self._run.weights() if offering else None
        for strategy in offering:
            self._run.put(strategy.offer(self._run))
        check = self._dev.check()
        loss = sum(p.running_loss) / len(p.running_loss) if p.running_loss else 0.0
        p.running_loss = []
        if note(p, check, self._dev.parent, self._train) or not self._dev:
            self._best = self._run.weights()
        if last is not None:
            self._run.put(last)
        row = {"step": p.steps, "tokens": p.tokens, "loss": loss, "lr": self._rate()}
        row |= {"dev_exact_match": check.both.exact, "dev_loss": check.both.loss}
        p.curve.append(row | {"dev_new_exact": check.new, "dev_old_exact": check.old, "dev_kl": check.kl})
        told = {"new": check.new, "old": check.old}
        shares = " and ".join(f"{share:.0%} of what is {side}" for side, share in told.items() if share is not None)
        self._report(self._share_done(), f"checked: {shares or 'nothing to ask'}")
        self._checked(p.curve)
        return check

    def _score(self) -> Score:
        return self._dev.check().both

    def _next_epoch(self) -> None:
        """Go to the next epoch in which any text is due."""
        p = self._progress
        p.epoch, p.position = max(p.epoch + 1, min(p.due)), 0
        p.batches = self._plan(Boxes(p.streak, p.due), p.epoch)

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
            parts[part][inner] = value.to(self._trunk.model.device)
        self._run.put(parts["weights"])
        self._best, self._run.state = parts["best"], parts["state"]
        restore_optimizer(self._optimizer, parts["optimizer"])
