"""The stage `train`: from examples and the parent's adapter to the candidate's adapter.

In: data/train.jsonl, data/dev.jsonl, snapshot.json, the parent's model folder, the sections `model` and `train`.
Out: model/, reports/train.json, reports/curve.csv.
"""

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from abreast.core import stage
from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError
from abreast.core.home import Home
from abreast.core.settings import Params, load_params
from abreast.core.threads import go_on_with, use_free_cores
from abreast.dataset.examples import Example, Question, read_examples, read_questions
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.adapters import check_experts, make_adapter_method, with_defaults
from abreast.learning.backbone.architecture import is_encoder
from abreast.learning.backbone.base_model import BaseLocation, find_base
from abreast.learning.model_folder import (
    ModelManifest,
    TrainedModel,
    model_digest,
    read_carried_state,
    read_model_manifest,
    verify,
    write_model_folder,
)
from abreast.learning.trainer.progress_bar import ProgressBar
from abreast.learning.trainer.training_report import write_curve, write_report

if TYPE_CHECKING:
    from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
    from abreast.learning.backbone.protocols import TokenizedText
    from abreast.learning.encoder.label_tokenizer import LabelTokenizer
    from abreast.learning.methods.protocol import TrainingRun
    from abreast.learning.trainer.adapter_model import TrainableModel
    from abreast.learning.trainer.trainer import TrainingResult


@dataclass(frozen=True)
class TrainingInputs:
    """What the stage reads: examples, development questions, and the parent's model folder, if there is a parent."""

    examples: list[Example]
    dev: list[Question]
    parent: Path | None


def main() -> None:
    """Train in the current folder."""
    print(use_free_cores(), flush=True)
    params = load_params(Path())
    inputs = read_inputs()
    base = find_base(params.model.base)
    manifest = make_manifest(params, base, inputs.parent)
    result, model = _train(params, inputs, base)
    write_model_folder(Path("model"), manifest, model)
    crash_point("train.model")
    write_report(result, inputs.examples)
    crash_point("train.reported")
    _checkpoints(params, inputs, base).remove()


def read_inputs() -> TrainingInputs:
    """Read the inputs in the current folder; the parent must be the model that the snapshot names by digest."""
    parent = load_snapshot(Path()).parent
    if parent is not None:
        verify(parent.model, parent.digest)
    examples, dev = read_examples(Path("data/train.jsonl")), read_questions(Path("data/dev.jsonl"))
    return TrainingInputs(examples, dev, parent.model if parent else None)


def make_manifest(params: Params, base: BaseLocation, parent: Path | None) -> ModelManifest:
    """The manifest of the candidate.

    Raises:
        AbreastError: the parent's adapter cannot be continued on this base or by this adapter method.
    """
    check_experts(params.train.experts, params.train.peft)
    manifest = ModelManifest(
        base=params.model.base,
        base_digest=base.digest,
        prompt=params.model.prompt,
        peft=with_defaults(params.train.peft),
        top_layers=params.train.top_layers,
        experts=params.train.experts,
    )
    if parent is not None:
        before = read_model_manifest(parent)
        if before.base_digest != manifest.base_digest:
            raise AbreastError(f"model.base: {manifest.base!r} is not the base {before.base!r} of the parent model")
        for knob in ("peft", "top_layers", "experts"):
            if getattr(before, knob) != getattr(manifest, knob):
                raise AbreastError(
                    f"train.{knob} is {getattr(manifest, knob)}, but the parent's adapter, which is continued, "
                    f"has {getattr(before, knob)}"
                )
    return manifest


def first_due(examples: list[Example]) -> list[int]:
    """The epoch in which each example is shown for the first time.

    New examples are shown at once. Of an old fact each epoch shows one more phrasing, so that all phrasings are kept
    for the price of one; of an old text one more piece.
    """
    seen: Counter[str] = Counter()
    due = []
    for example in examples:
        due.append(seen[example.key] if example.role == "replayed" else 0)
        seen[example.key] += 1
    return due


def training_texts(tokenizer: "PromptTokenizer | LabelTokenizer", example: Example) -> "list[TokenizedText]":
    """What is learned from an example: the answer to its question, or raw text piece by piece."""
    if example.kind == "text":
        return tokenizer.split_text(example.answer)
    return [tokenizer.tokenize_example(example.kind, example.question, example.answer)]


def dev_texts(tokenizer: "PromptTokenizer | LabelTokenizer", question: Question) -> "list[TokenizedText]":
    """What is evaluated of a question: its answer, or one piece of a raw text."""
    if question.kind == "text":
        return tokenizer.pick_piece(question.answer, question.id)
    return [tokenizer.tokenize_example(question.kind, question.question, question.answer)]


def _train(params: Params, inputs: TrainingInputs, base: BaseLocation) -> "tuple[TrainingResult, TrainedModel]":
    """Run the training."""
    import torch

    from abreast.learning.backbone.base_model import load_base
    from abreast.learning.methods import make_methods
    from abreast.learning.methods.protocol import TrainingRun
    from abreast.learning.trainer.trainer import Trainer

    checkpoints, knobs = _checkpoints(params, inputs, base), params.train
    go_on_with(checkpoints.threads())
    base_model, tokenizer, _ = load_base(params.model, base)
    torch.manual_seed(knobs.seed)
    model = _trainable_model(params, inputs, base_model, tokenizer)
    sides = {scope: [q for q in inputs.dev if q.scope == scope] for scope in ("current", "retained")}
    dev = model.dev_evaluator(
        *([text for q in side for text in dev_texts(model.tokenizer, q)] for side in sides.values())
    )
    run = TrainingRun(
        model.backbone,
        model.tokenizer,
        parameters=model.parameters,
        has_parent=inputs.parent is not None,
        inherited_state=read_carried_state(inputs.parent) if inputs.parent else {},
    )
    methods, lr = (
        [*model.training_methods, *make_methods(knobs.regularizers)],
        knobs.learning_rate if model.fresh else knobs.update_learning_rate,
    )
    model.prepare(run, examples := _set_examples(run, methods, model.examples))
    with ProgressBar() as report:
        result = Trainer(run, methods, first_due(examples), dev, knobs, lr, checkpoints, report, write_curve).run()
    return result, model.export(run)


def _trainable_model(params: Params, inputs: TrainingInputs, base_model: Any, tokenizer: Any) -> "TrainableModel":
    """The model to train, by the kind of base and by `train.experts`."""
    from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
    from abreast.learning.encoder.encoder_model import EncoderModel
    from abreast.learning.experts.experts_model import ExpertsModel
    from abreast.learning.trainer.adapter_model import AdapterModel

    knobs, adapter_method = params.train, make_adapter_method(params.train.peft)
    if is_encoder(base_model.config):
        return EncoderModel(base_model, adapter_method, tokenizer, inputs.examples, inputs.dev, inputs.parent, params)
    longest = getattr(base_model.config, "max_position_embeddings", None)
    prompt_tokenizer = PromptTokenizer(tokenizer, params.model.prompt, longest, adapter_method.activated)
    model_class = ExpertsModel if knobs.experts else AdapterModel
    return model_class(base_model, adapter_method, prompt_tokenizer, inputs.examples, inputs.parent, knobs)


def _set_examples(run: "TrainingRun", methods: list[Any], examples: list[Example]) -> list[Example]:
    """Set `run.examples`, after all methods that map them; gives the example of each of its texts."""
    from abreast.learning.methods.protocol import MapExamples

    for method in methods:
        if isinstance(method, MapExamples):
            examples = list(method.map_examples(run, examples))
    rows = [(example, text) for example in examples for text in training_texts(run.tokenizer, example)]
    run.examples, run.keys = [text for _, text in rows], [example.key for example, _ in rows]
    return [example for example, _ in rows]


def _checkpoints(params: Params, inputs: TrainingInputs, base: BaseLocation) -> Any:
    """The checkpoints of exactly this training: other inputs have another folder."""
    from abreast.learning.trainer.checkpoint import Checkpoints

    knobs = params.train.model_dump(mode="json", exclude={"checkpoint_seconds"})
    parts = [json.dumps([knobs, params.model.model_dump(mode="json")], sort_keys=True), base.digest]
    parts += [model_digest(inputs.parent) if inputs.parent else ""]
    parts += [row.model_dump_json() for row in (*inputs.examples, *inputs.dev)]
    key = sha256("\n".join(parts).encode()).hexdigest()[:32]
    return Checkpoints(Home.of(Path()).checkpoints / key)


if __name__ == "__main__":
    stage.run(main)
