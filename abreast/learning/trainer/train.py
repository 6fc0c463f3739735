"""The stage `train`: from examples and the parent's adapter to the candidate's adapter.

In: data/train.jsonl, data/dev.jsonl, snapshot.json, the parent's model folder, the sections `model` and `train`.
Out: model/, reports/train.json, reports/curve.csv.
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abreast.core import stage
from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError
from abreast.core.files import new_file
from abreast.core.home import Home
from abreast.core.settings import Params, load_params
from abreast.core.threads import go_on_with, use_free_cores
from abreast.dataset.examples import Example, Question, read_examples, read_questions
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.adapters import check_experts, complete, make_adaptation
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.base_model import Base, find_base
from abreast.learning.model_folder import Card, Made, model_digest, read_card, read_memory, verify, write_model_folder

if TYPE_CHECKING:
    from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder
    from abreast.learning.encoder.label_tokenizer import Marked, Marker
    from abreast.learning.methods.protocol import Run
    from abreast.learning.trainer.adapter_model import Pupil
    from abreast.learning.trainer.trainer import Outcome

CURVE = Path("reports/curve.csv")
COLUMNS = ("step", "tokens", "loss", "lr", "dev_exact_match", "dev_loss", "dev_new_exact", "dev_old_exact", "dev_kl")


@dataclass(frozen=True)
class Lessons:
    """What the stage reads: examples, development questions, and the parent's model folder, if there is a parent."""

    examples: list[Example]
    dev: list[Question]
    parent: Path | None


def main() -> None:
    """Train in the current folder."""
    print(use_free_cores(), flush=True)
    params = load_params(Path())
    lessons = read_lessons()
    base = find_base(params.model.base)
    card = make_card(params, base, lessons.parent)
    outcome, candidate = _train(params, lessons, base)
    write_model_folder(Path("model"), card, candidate)
    crash_point("train.model")
    _report(outcome, lessons)
    crash_point("train.reported")
    _checkpoints(params, lessons, base).remove()


def read_lessons() -> Lessons:
    """Read the inputs in the current folder; the parent must be the model that the snapshot names by digest."""
    parent = load_snapshot(Path()).parent
    if parent is not None:
        verify(parent.model, parent.digest)
    examples, dev = read_examples(Path("data/train.jsonl")), read_questions(Path("data/dev.jsonl"))
    return Lessons(examples, dev, parent.model if parent else None)


def make_card(params: Params, base: Base, parent: Path | None) -> Card:
    """The candidate's card.

    Raises:
        AbreastError: the parent's adapter cannot be continued on this base or by this adaptation.
    """
    check_experts(params.train.experts, params.train.peft)
    card = Card(
        base=params.model.base,
        base_digest=base.digest,
        prompt=params.model.prompt,
        peft=complete(params.train.peft),
        top_layers=params.train.top_layers,
        experts=params.train.experts,
    )
    if parent is not None:
        before = read_card(parent)
        if before.base_digest != card.base_digest:
            raise AbreastError(f"model.base: {card.base!r} is not the base {before.base!r} of the parent model")
        for knob in ("peft", "top_layers", "experts"):
            if getattr(before, knob) != getattr(card, knob):
                raise AbreastError(
                    f"train.{knob} is {getattr(card, knob)}, but the parent's adapter, which is continued, "
                    f"has {getattr(before, knob)}"
                )
    return card


def first_due(examples: list[Example]) -> list[int]:
    """The epoch in which each example is shown for the first time.

    What is new is shown at once. Of an old fact one phrasing is shown in each epoch, so that it is kept in all its
    phrasings for the price of one; and of an old text one piece.
    """
    seen: Counter[str] = Counter()
    due = []
    for example in examples:
        due.append(seen[example.key] if example.role == "rehearsed" else 0)
        seen[example.key] += 1
    return due


def taught(encoder: "Encoder | Marker", example: Example) -> "list[Encoded] | list[Marked]":
    """What is learned from an example: the answer after its question, or raw text piece by piece."""
    if example.kind == "text":
        return encoder.passage(example.answer)
    return [encoder.lesson(example.kind, example.question, example.answer)]


def asked(encoder: "Encoder | Marker", question: Question) -> "list[Encoded] | list[Marked]":
    """What is scored of a question: its answer, or one piece of a raw text."""
    if question.kind == "text":
        return encoder.one_piece(question.answer, question.id)
    return [encoder.lesson(question.kind, question.question, question.answer)]


def _train(params: Params, lessons: Lessons, base: Base) -> "tuple[Outcome, Made]":
    """Run the training."""
    import torch

    from abreast.learning.backbone.base_model import load_base
    from abreast.learning.methods import make_strategies
    from abreast.learning.methods.protocol import Run
    from abreast.learning.trainer.trainer import Trainer

    checkpoints, knobs = _checkpoints(params, lessons, base), params.train
    go_on_with(checkpoints.threads())
    model, tokenizer, _ = load_base(params.model, base)
    torch.manual_seed(knobs.seed)
    pupil = _pupil(params, lessons, model, tokenizer)
    sides = {scope: [q for q in lessons.dev if q.scope == scope] for scope in ("current", "retained")}
    dev = pupil.development(*([text for q in side for text in asked(pupil.encoder, q)] for side in sides.values()))
    run = Run(
        pupil.trunk,
        pupil.encoder,
        parameters=pupil.parameters,
        parent=lessons.parent is not None,
        memory=read_memory(lessons.parent) if lessons.parent else {},
    )
    strategies, lr = (
        [*pupil.strategies, *make_strategies(knobs.regularizers)],
        knobs.learning_rate if pupil.fresh else knobs.update_learning_rate,
    )
    pupil.begin(run, examples := _fill(run, strategies, pupil.lessons))
    with _Bar() as report:
        outcome = Trainer(run, strategies, first_due(examples), dev, knobs, lr, checkpoints, report, write_curve).run()
    return outcome, pupil.made(run)


def _pupil(params: Params, lessons: Lessons, model: Any, tokenizer: Any) -> "Pupil":
    """What is trained, by the kind of base and by `train.experts`."""
    from abreast.learning.backbone.prompt_tokenizer import Encoder
    from abreast.learning.encoder.encoder_model import WithHeads
    from abreast.learning.experts.experts_model import Experts
    from abreast.learning.trainer.adapter_model import OneAdapter

    knobs, adaptation = params.train, make_adaptation(params.train.peft)
    if is_encoder(model.config):
        return WithHeads(model, adaptation, tokenizer, lessons.examples, lessons.dev, lessons.parent, params)
    longest = getattr(model.config, "max_position_embeddings", None)
    encoder = Encoder(tokenizer, params.model.prompt, longest, adaptation.sleeps)
    learner = Experts if knobs.experts else OneAdapter
    return learner(model, adaptation, encoder, lessons.examples, lessons.parent, knobs)


def _fill(run: "Run", strategies: list[Any], examples: list[Example]) -> list[Example]:
    """Tell `run` what is taught, after all strategies that change it; gives the example of each of its texts."""
    from abreast.learning.methods.protocol import Rewrites

    for strategy in strategies:
        if isinstance(strategy, Rewrites):
            examples = list(strategy.rewrite(run, examples))
    lines = [(example, text) for example in examples for text in taught(run.encoder, example)]
    run.examples, run.keys = [text for _, text in lines], [example.key for example, _ in lines]
    return [example for example, _ in lines]


def _checkpoints(params: Params, lessons: Lessons, base: Base) -> Any:
    """The checkpoints of exactly this training: any other input has another folder."""
    from abreast.learning.trainer.checkpoint import Checkpoints

    knobs = params.train.model_dump(mode="json", exclude={"checkpoint_seconds"})
    parts = [json.dumps([knobs, params.model.model_dump(mode="json")], sort_keys=True), base.digest]
    parts += [model_digest(lessons.parent) if lessons.parent else ""]
    parts += [line.model_dump_json() for line in (*lessons.examples, *lessons.dev)]
    key = sha256("\n".join(parts).encode()).hexdigest()[:32]
    return Checkpoints(Home.of(Path()).checkpoints / key)


class _Bar:
    """A progress bar on a terminal; and `abreast.core.stage.progress` for whoever watches from outside."""

    def __enter__(self) -> Callable[[float, str], None]:
        from tqdm import tqdm

        self._bar = tqdm(total=100, desc="train", unit="%", disable=None, file=sys.stderr, leave=False)
        self._told = 0.0
        return self._report

    def _report(self, share: float, note: str) -> None:
        self._bar.n = round(100 * share)
        self._bar.set_postfix_str(note)
        if time.monotonic() - self._told > 0.5:
            self._told = time.monotonic()
            stage.progress("train", share, 1.0, note)

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _report(outcome: "Outcome", lessons: Lessons) -> None:
    """Write reports/train.json and reports/curve.csv: no times, so that equal inputs give equal reports.

    The number of threads decides the last bits of the model on a CPU.
    """
    import torch

    reports = Path("reports")
    reports.mkdir(exist_ok=True)
    new = sum(example.role == "new" for example in lessons.examples)
    summary = {
        "stopped": outcome.reason,
        "dev_exact_match": outcome.best[0],
        "dev_loss": -outcome.best[1],
        "steps": outcome.steps,
        "tokens": outcome.tokens,
        "epochs": outcome.epochs,
        "threads": torch.get_num_threads(),
        "examples_new": new,
        "examples_rehearsed": len(lessons.examples) - new,
    }
    (reports / "train.json").write_text(json.dumps(summary, indent=1) + "\n")
    write_curve(outcome.curve)


def write_curve(curve: list[dict[str, float]]) -> None:
    """Write reports/curve.csv, one row a check; whole at any moment, for whoever watches the training."""
    with new_file(CURVE) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(curve)


if __name__ == "__main__":
    stage.run(main)
