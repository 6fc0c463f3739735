"""Ways to remember, side by side on one stream: what each keeps, forgets and still says though it is superseded.

python -m benchmarks.remember --out results --products 8 --drops 4
python -m benchmarks.remember --out results --samples --only naive,plain,superseded,joint

Resumable: a way whose figures lie in --out is not run again.
"""

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from abreast.config import load_params
from abreast.evaluation.measures.retention import (
    EMPTY,
    RetentionMatrix,
    average_accuracy,
    backward_transfer,
    forgetting,
)
from abreast.knowledge.base import read_base
from abreast.knowledge.lesson import write_jsonl
from abreast.knowledge.phrasing import load_templates
from abreast.knowledge.split import teach
from benchmarks.lifecycle import DATA, lifecycle, samples
from benchmarks.stream import Measured, learn
from benchmarks.table import as_markdown, percent

Drops = list[tuple[str, list[dict]]]
NO_REPLAY = {"rehearse": 0.0, "rehearse_min": 0}


@dataclass(frozen=True)
class Way:
    """Knobs laid over the defaults, and what is done to the lessons before training."""

    knobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    before_training: Callable[[Path], None] = lambda folder: None
    joint: bool = False


def remembering(*methods: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {"train": {"remember": list(methods)}}


def replay_superseded_too(folder: Path) -> None:
    """Plain replay: what was superseded is rehearsed like everything else that was once learned."""
    params = load_params(folder)
    base, changes = read_base(folder / "data/knowledge.parquet"), read_base(folder / "data/changes.parquet")
    ever = base.assign(valid_until=pd.NaT if base["valid_until"].dtype.kind == "M" else None)
    templates = load_templates(folder / params.knowledge.templates)
    write_jsonl(folder / "data/train.jsonl", teach(ever, changes, templates, params.split))


ANCHOR = {"method": "anchor", "weight": 2.0}
WAYS = {
    "naive": Way({"split": NO_REPLAY} | remembering()),
    "anchor only": Way({"split": NO_REPLAY} | remembering(ANCHOR)),
    "plain replay": Way(remembering(ANCHOR), replay_superseded_too),
    "superseded-aware replay": Way(remembering()),
    "default (aware replay, anchor)": Way(),
    "distillation, no replay": Way(
        {"split": NO_REPLAY} | remembering(ANCHOR, {"method": "distil", "teacher": "parent"})
    ),
    "EWC, no replay": Way({"split": NO_REPLAY} | remembering(ANCHOR, {"method": "ewc"})),
    "L2, no replay": Way({"split": NO_REPLAY} | remembering(ANCHOR, {"method": "l2"})),
    "O-LoRA, no replay": Way({"split": NO_REPLAY} | remembering(ANCHOR, {"method": "orthogonal"})),
    "interpolation, no replay": Way({"split": NO_REPLAY} | remembering(ANCHOR, {"method": "interpolate"})),
    "default and slow average": Way(remembering(ANCHOR, {"method": "average"})),
    "default and FGM": Way(remembering(ANCHOR, {"method": "fgm"})),
    "joint": Way(joint=True),
}
HEAD = (
    "way",
    "average",
    "forgetting",
    "backward",
    "stale",
    "perplexity ratio",
    "train s, last",
    "train s, all",
    "peak MB",
)


def run(way: Way, drops: Drops, seed: int) -> list[Measured]:
    """Learn the stream in one way, every candidate built upon; `joint` learns all drops at once, from the base."""
    knobs = {**way.knobs, "train": {"max_tokens": 400_000, "seed": seed, **way.knobs.get("train", {})}}
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as folder:
        return list(learn(drops, Path(folder), knobs, False, way.before_training, way.joint))


def matrix(done: list[Measured]) -> RetentionMatrix:
    """R[version, drop], of what was still valid when it was asked."""
    found = EMPTY
    for number, one in enumerate(done, start=1):
        scores = {drop: row["candidate"] for drop, row in one.by_drop.items()}
        new = [drop for drop in scores if drop not in found.drops]
        base = {drop: one.by_drop[drop]["base"] for drop in new}
        known = {drop: scores.get(drop) for drop in (*found.drops, *new)}
        found = found.with_version(f"v{number}", known, new=new, base=base)
    return found


def figures(name: str, done: list[Measured]) -> list[str]:
    """One row of the table."""
    found, last = matrix(done), done[-1].metrics
    ratio = last["candidate"]["general_perplexity"] / last["base"]["general_perplexity"]
    stale = [one.metrics["candidate"]["stale_rate"] for one in done]
    return [
        name,
        percent(average_accuracy(found)),
        percent(forgetting(found)),
        percent(backward_transfer(found)),
        percent(max((rate for rate in stale if rate is not None), default=None)),
        f"{ratio:.2f}",
        f"{done[-1].seconds['train']:.0f}",
        f"{sum(one.seconds['train'] for one in done):.0f}",
        f"{done[-1].peak_mb:.0f}",
    ]


def stored(out: Path, name: str, way: Way, drops: Drops, seed: int) -> list[Measured]:
    """The figures of a way, from `out` if they are there."""
    path = out / f"{name.replace(' ', '-').replace(',', '')}-{seed}.json"
    if not path.exists():
        path.write_text(json.dumps([vars(one) for one in run(way, drops, seed)], indent=1) + "\n")
    return [Measured(**one) for one in json.loads(path.read_text())]


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--products", type=int, default=8)
    parser.add_argument("--drops", type=int, default=4)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--samples", action="store_true", help="the good sample drops instead of the real data")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--only", default=",".join(WAYS), help="ways to run, by the beginning of their names")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    drops = [d for d in samples() if d[0] != "bad-harmful"] if asked.samples else []
    drops = drops or lifecycle(asked.data, asked.products, asked.drops)
    chosen = [name for name in WAYS if name.startswith(tuple(filter(None, asked.only.split(","))))]
    rows = []
    for name in chosen:
        rows.append(figures(name, stored(asked.out, name, WAYS[name], drops, asked.seed)))
        print(" | ".join(rows[-1]), flush=True)
    print(as_markdown(HEAD, rows))


if __name__ == "__main__":
    main()
