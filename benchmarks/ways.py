"""The ways to remember that `benchmarks.remember` sets side by side, each as what it changes in the update."""

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
from benchmarks.stream import STAGES, Learned

Knobs = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Way:
    """Knobs laid over the defaults, what is done to the lessons before training, and the stages.

    `learned` is what an update learns, as `benchmarks.stream.learn` says. `where_superseded` marks a way that differs
    from the default only where something was superseded.
    """

    knobs: Knobs = field(default_factory=dict)
    before_training: Callable[[Path], None] = lambda folder: None
    learned: Learned = "each"
    stages: Mapping[str, str] = field(default_factory=lambda: STAGES)
    where_superseded: bool = False


def remembering(*methods: dict[str, Any], replay: bool = True) -> Knobs:
    split = {} if replay else {"split": {"replay_ratio": 0.0, "replay_min": 0}}
    return split | {"train": {"regularizers": list(methods)}}


def replay_superseded_too(folder: Path) -> None:
    """Plain replay: what was superseded is replayed like everything else that was once learned."""
    params = load_params(folder)
    base, changes = read_base(folder / "data/knowledge.parquet"), read_base(folder / "data/changes.parquet")
    ever = base.assign(valid_until=pd.NaT if base["valid_until"].dtype.kind == "M" else None)
    templates = load_templates(folder / params.knowledge.templates)
    write_jsonl(folder / "data/train.jsonl", training_examples(ever, changes, templates, params.split))


def with_domains(folder: Path) -> None:
    """What came without a domain has one: a fact the last part of its key, such as `latest`, all else its drop."""
    for name, read in (("train", read_examples), ("dev", read_questions), ("questions", read_questions)):
        path = folder / f"data/{name}.jsonl"
        write_jsonl(path, [line.model_copy(update={"domain": _domain(line)}) for line in read(path)])


def _domain(line: Example | Question) -> str:
    return line.domain or (line.key.rpartition("/")[2] if line.kind == "fact" else line.drop)


ANCHOR, LOCALITY = {"method": "anchor"}, {"method": "locality"}
ASKING = {name: STAGES[name] for name in ("assemble", "validate", "split")} | {
    "evaluate": "python -m benchmarks.in_context"
}


def instead_of_replay(**method: Any) -> Way:
    return Way(remembering(ANCHOR, LOCALITY, method, replay=False))


def beside_the_default(**method: Any) -> Way:
    return Way(remembering(ANCHOR, LOCALITY, method))


def replaying(*methods: dict[str, Any], **split: Any) -> Way:
    """The default with other old records, or more or fewer of them."""
    return Way(remembering(ANCHOR, LOCALITY, *methods) | {"split": split})


WAYS = {
    "in-context": Way(learned="together", stages=ASKING),
    "naive": Way(remembering(replay=False)),
    "anchor only": Way(remembering(ANCHOR, replay=False)),
    "plain replay": Way(remembering(ANCHOR, LOCALITY), replay_superseded_too, where_superseded=True),
    "superseded-aware replay": Way(remembering()),
    "aware replay and anchor": Way(remembering(ANCHOR)),
    "default (aware replay, anchor, locality)": Way(),
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
    "experts by domain": Way({"train": {"experts": "domain"}}, with_domains),
    "joint": Way(learned="together"),
    "anew at each drop": Way(learned="anew"),
}
QUICK = ("in-context", "naive", "plain replay", "default (", "joint")
"""The beginnings of the names of those that a quick run takes."""
