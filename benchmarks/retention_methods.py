"""The methods that `benchmarks.retention` compares, each as the changes that it makes to an update."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from abreast.core.settings import load_params
from abreast.dataset.examples import Example, Question, read_examples, read_questions, write_jsonl
from abreast.dataset.split import training_examples
from abreast.dataset.templates import load_templates
from abreast.knowledge.knowledge_base import read_base
from benchmarks.learn_stream import STAGES, LearningOrder

Knobs = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class RetentionMethod:
    """Knobs in place of the defaults, a change of the examples before training, and the stages.

    `learned` says what one update learns, see `benchmarks.learn_stream.learn`. `where_superseded` marks a method that
    differs from the default only where records were superseded.
    """

    knobs: Knobs = field(default_factory=dict)
    before_training: Callable[[Path], None] = lambda folder: None
    learned: LearningOrder = "each"
    stages: Mapping[str, str] = field(default_factory=lambda: STAGES)
    where_superseded: bool = False


def train_with(*methods: dict[str, Any], replay: bool = True) -> Knobs:
    split = {} if replay else {"split": {"replay_ratio": 0.0, "replay_min": 0}}
    return split | {"train": {"regularizers": list(methods)}}


def replay_superseded_too(folder: Path) -> None:
    """Plain replay: superseded records are replayed like all others."""
    params = load_params(folder)
    base, changes = read_base(folder / "data/knowledge.parquet"), read_base(folder / "data/changes.parquet")
    ever = base.assign(valid_until=pd.NaT if base["valid_until"].dtype.kind == "M" else None)
    templates = load_templates(folder / params.knowledge.templates)
    write_jsonl(folder / "data/train.jsonl", training_examples(ever, changes, templates, params.split))


def with_domains(folder: Path) -> None:
    """Give records without a domain one: for a fact the last part of its key, such as `latest`, else its drop."""
    for name, read in (("train", read_examples), ("dev", read_questions), ("questions", read_questions)):
        path = folder / f"data/{name}.jsonl"
        write_jsonl(path, [line.model_copy(update={"domain": _domain(line)}) for line in read(path)])


def _domain(line: Example | Question) -> str:
    return line.domain or (line.key.rpartition("/")[2] if line.kind == "fact" else line.drop)


ANCHOR, LOCALITY = {"method": "anchor"}, {"method": "locality"}
ASKING = {name: STAGES[name] for name in ("assemble", "validate", "split")} | {
    "evaluate": "python -m benchmarks.in_context"
}


def instead_of_replay(**method: Any) -> RetentionMethod:
    return RetentionMethod(train_with(ANCHOR, LOCALITY, method, replay=False))


def beside_the_default(**method: Any) -> RetentionMethod:
    return RetentionMethod(train_with(ANCHOR, LOCALITY, method))


def replaying(*methods: dict[str, Any], **split: Any) -> RetentionMethod:
    """The default with other replayed records, or more or fewer of them."""
    return RetentionMethod(train_with(ANCHOR, LOCALITY, *methods) | {"split": split})


RETENTION_METHODS = {
    "in-context": RetentionMethod(learned="together", stages=ASKING),
    "naive": RetentionMethod(train_with(replay=False)),
    "anchor only": RetentionMethod(train_with(ANCHOR, replay=False)),
    "plain replay": RetentionMethod(train_with(ANCHOR, LOCALITY), replay_superseded_too, where_superseded=True),
    "superseded-aware replay": RetentionMethod(train_with()),
    "aware replay and anchor": RetentionMethod(train_with(ANCHOR)),
    "default (aware replay, anchor, locality)": RetentionMethod(),
    "a quarter of the replay": replaying(replay_ratio=0.5, replay_min=50),
    "half of the replay": replaying(replay_ratio=1.0, replay_min=100),
    "twice the replay": replaying(replay_ratio=4.0, replay_min=400),
    "reservoir replay": replaying(replay="reservoir"),
    "balanced replay": replaying(replay="balanced"),
    "prioritized replay": replaying({"method": "prioritized"}, replay="prioritized"),
    "replay with its own answers": beside_the_default(method="self_distillation"),
    "distillation, no replay": instead_of_replay(method="distil", teacher="parent"),
    "EWC, no replay": instead_of_replay(method="ewc"),
    "L2, no replay": instead_of_replay(method="l2"),
    "O-LoRA, no replay": instead_of_replay(method="orthogonal"),
    "Reptile, no replay": instead_of_replay(method="reptile"),
    "interpolation, no replay": instead_of_replay(method="interpolate"),
    "TIES, no replay": instead_of_replay(method="ties"),
    "DARE, no replay": instead_of_replay(method="dare"),
    "default and slow average": beside_the_default(method="average"),
    "default and FGM": beside_the_default(method="fgm"),
    "default and PGD": beside_the_default(method="pgd"),
    "default and noise": beside_the_default(method="noise"),
    "experts by domain": RetentionMethod({"train": {"experts": "domain"}}, with_domains),
    "joint": RetentionMethod(learned="together"),
    "anew at each drop": RetentionMethod(learned="anew"),
}
QUICK_METHODS = ("in-context", "naive", "plain replay", "default (", "joint")
"""A quick run takes the methods whose names begin with these."""
