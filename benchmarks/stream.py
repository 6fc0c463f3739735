"""A stream of drops through the very stages of dvc.yaml, without servers: what each costs, how well it is learned."""

import csv
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from abreast.config import parse_params
from abreast.evaluation.judge import judge
from abreast.knowledge.drop import DropInfo, drop_digest, write_drop
from abreast.knowledge.record import RecordError, parse_record
from abreast.knowledge.snapshot import DropRef, ParentRef, Snapshot, save_snapshot
from abreast.learning.folder import model_digest

SOURCE = Path(__file__).parents[1]
STAGES = yaml.safe_load((SOURCE / "dvc.yaml").read_text())["stages"]


@dataclass(frozen=True)
class Measured:
    """One drop: the verdict, the figures of `reports/metrics.json`, seconds by stage, and peak memory so far in MB."""

    name: str
    facts: int
    verdict: str
    reasons: tuple[str, ...]
    metrics: dict[str, Any]
    seconds: dict[str, float]
    peak_mb: float
    by_drop: dict[str, dict[str, float | None]]
    """Exact match of base, champion and candidate on what is still valid of each drop so far."""


def learn(
    drops: Iterable[tuple[str, list[dict]]],
    folder: Path,
    knobs: dict[str, dict[str, Any]],
    gated: bool = True,
    before_training: Callable[[Path], None] = lambda folder: None,
    together: bool = False,
) -> Iterator[Measured]:
    """Learn one drop after another in `folder`, each on top of the last one that passed.

    Args:
        drops: name and rows of each; rows that are no records are left out, as the row screen would.
        knobs: laid over params.yaml.
        gated: whether a candidate must pass to be built upon; else every one is.
        before_training: called with `folder` after `split`.
        together: learn all drops in one update, from the base.
    """
    lay_out(folder, "abreast", "params.yaml")
    merged = yaml.safe_load((folder / "params.yaml").read_text())
    for section, values in knobs.items():
        merged[section] |= values
    (folder / "params.yaml").write_text(yaml.safe_dump(merged))
    parent = None
    stored = [(_store(folder, name, rows, number), len(rows)) for number, (name, rows) in enumerate(drops, start=1)]
    for number, update in enumerate([stored] if together else [[one] for one in stored], start=1):
        refs, facts = tuple(ref for ref, _ in update), sum(count for _, count in update)
        save_snapshot(folder, Snapshot(drops=refs, parent=parent))
        seconds = {}
        for stage in STAGES:
            if stage == "train":
                before_training(folder)
            seconds[stage] = run_stage(folder, stage)
        metrics = json.loads((folder / "reports/metrics.json").read_text())
        verdict = judge(metrics, parse_params(merged).gates)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        name = ", ".join(ref.name for ref in refs)
        yield Measured(name, facts, verdict.verdict, verdict.reasons, metrics, seconds, peak, _by_drop(folder))
        if verdict.verdict == "pass" or not gated:
            parent = _become_parent(folder, number)


def lay_out(folder: Path, *parts: str) -> None:
    """Copy files and folders of the repository into `folder`."""
    for part in parts:
        source = SOURCE / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / part)


def _by_drop(folder: Path) -> dict[str, dict[str, float | None]]:
    with (folder / "reports/retention.csv").open(newline="") as file:
        return {
            row["name"]: {who: float(row[who]) if row[who] else None for who in ("base", "champion", "candidate")}
            for row in csv.DictReader(file)
        }


def _store(folder: Path, name: str, rows: list[dict], number: int) -> DropRef:
    records = []
    for row in rows:
        try:
            records.append(parse_record(row))
        except RecordError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
    digest, arrived = drop_digest(rows), f"2026-01-{number:02d}T00:00:00Z"
    counts = {"rows": len(rows), "accepted": len(records), "quarantined": len(rows) - len(records)}
    info = DropInfo(digest=digest, name=name, arrived_at=arrived, kinds={"fact": len(records)}, **counts)
    write_drop(folder / "data/drops" / digest, info, records)
    return DropRef(digest=digest, path=f"data/drops/{digest}", arrived_at=arrived, name=name)


def run_stage(folder: Path, stage: str) -> float:
    """Run a stage of dvc.yaml in `folder`; gives its seconds."""
    started = time.perf_counter()
    subprocess.run([sys.executable, *STAGES[stage]["cmd"].split()[1:]], cwd=folder, check=True)
    return time.perf_counter() - started


def _become_parent(folder: Path, number: int) -> ParentRef:
    """The candidate and its knowledge base become what the next drop starts from."""
    place = folder / "data/parent"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.move(folder / "model", place / "model")
    shutil.copy2(folder / "data/knowledge.parquet", place / "knowledge.parquet")
    return ParentRef(version=f"v{number}", digest=model_digest(place / "model"), path="data/parent")
