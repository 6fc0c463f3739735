"""Learns a stream of drops by the stages of dvc.yaml, without servers, and measures cost and accuracy at each drop."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from abreast.core.errors import AbreastError
from abreast.core.settings import Gate, parse_params
from abreast.gates.judge import judge
from abreast.knowledge.drop import DropInfo, drop_digest, write_drop
from abreast.knowledge.record import RecordError, parse_record
from abreast.knowledge.snapshot import DropRef, ParentRef, Snapshot, save_snapshot
from abreast.learning.model_folder import model_digest
from abreast.reports.reports import read_reports

SOURCE = Path(__file__).parents[1]
STAGES = {name: stage["cmd"] for name, stage in yaml.safe_load((SOURCE / "dvc.yaml").read_text())["stages"].items()}
"""The command of each stage of dvc.yaml."""
Drop = tuple[str, list[dict]]
"""Name and rows."""
LearningOrder = Literal["each", "together", "anew"]


class StageCost(NamedTuple):
    """The cost of one stage: wall seconds, processor seconds, and its own peak memory in MB."""

    seconds: float
    processor: float
    peak_mb: float


@dataclass(frozen=True)
class UpdateMeasurement:
    """One update: the verdict, the content of `reports/metrics.json`, and the cost by stage, as in `StageCost`."""

    name: str
    facts: int
    verdict: str
    reasons: tuple[str, ...]
    metrics: dict[str, Any]
    seconds: dict[str, float]
    processor: dict[str, float]
    peaks: dict[str, float]
    tokens: int
    """Training tokens from `reports/train.json`; 0 without training."""
    by_drop: dict[str, dict[str, float | None]]
    """The share of right answers of base, champion and candidate on the still valid records of each drop so far."""
    locality: float | None = None
    """Agreement with the base on unrelated questions, see `abreast.evaluation.locality`."""
    stopped: str | None = None
    """Why training ended, from `reports/train.json`; None without training."""

    @property
    def peak_mb(self) -> float:
        """The highest peak of any stage."""
        return max(self.peaks.values())


def learn(
    drops: Iterable[Drop],
    folder: Path,
    knobs: Mapping[str, Any],
    gated: bool = True,
    before_training: Callable[[Path], None] = lambda folder: None,
    learned: LearningOrder = "each",
    stages: Mapping[str, str] = STAGES,
    aside: Callable[[str], bool] = lambda name: False,
) -> Iterator[UpdateMeasurement]:
    """Learn one drop after another in `folder`, each on top of the last one that passed.

    Args:
        drops: name and rows of each, read one after the other; invalid rows are left out, as the row screen does.
        knobs: override params.yaml; a list, such as `gates`, replaces the list there.
        gated: whether only a candidate that passes becomes the next parent; else every one does.
        before_training: called with `folder` after the stage `split`.
        learned: what an update learns: `each` drop on top of the last, `together` all drops in one update from the
            base, or `anew` all drops so far, from the base again at every drop.
        stages: name and command of each.
        aside: whether a drop, by name, is learned without becoming the next parent.
    """
    merged = _prepare_project(folder, knobs)
    parent, passed = None, False
    for number, update in enumerate(_updates(drops, learned), start=1):
        if passed:
            parent = _become_parent(folder, number - 1)
        refs = tuple(_store_drop(folder, name, rows, place) for place, (name, rows) in update)
        save_snapshot(folder, Snapshot(drops=refs, parent=parent))
        costs = {}
        for stage, command in stages.items():
            costs[stage] = run_stage(folder, command)
            if stage == "split":
                before_training(folder)
        name, rows = ", ".join(ref.name for ref in refs), sum(len(rows) for _, (_, rows) in update)
        yield (one := _measurement(name, rows, folder, costs, parse_params(merged).gates))
        passed = learned == "each" and (one.verdict == "pass" or not gated) and not aside(name)


def _updates(drops: Iterable[Drop], learned: LearningOrder) -> Iterable[Sequence[tuple[int, Drop]]]:
    """The numbered drops of each update."""
    numbered = enumerate(drops, start=1)
    if learned == "each":
        return ([one] for one in numbered)
    known = list(numbered)
    return [known] if learned == "together" else [known[:end] for end in range(1, len(known) + 1)]


def _prepare_project(folder: Path, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the code, write params.yaml with `knobs`, and return its content."""
    copy_source(folder, "abreast", "benchmarks", "params.yaml")
    merged = yaml.safe_load((folder / "params.yaml").read_text())
    for section, values in knobs.items():
        merged[section] = merged[section] | values if isinstance(values, dict) else values
    (folder / "params.yaml").write_text(yaml.safe_dump(merged))
    return merged


def _measurement(
    name: str, rows: int, folder: Path, costs: dict[str, StageCost], gates: Sequence[Gate]
) -> UpdateMeasurement:
    reports = read_reports(folder / "reports")
    verdict = judge(reports, gates)
    trained = json.loads((folder / "reports/train.json").read_text()) if "train" in costs else {}
    seconds, processor, peaks = (dict(zip(costs, part, strict=True)) for part in zip(*costs.values(), strict=True))
    unrelated = reports.figures.get("locality")
    return UpdateMeasurement(
        name=name,
        facts=rows,
        verdict=verdict.verdict,
        reasons=verdict.reasons,
        metrics=reports.metrics.model_dump(),
        seconds=seconds,
        processor=processor,
        peaks=peaks,
        tokens=trained.get("tokens", 0),
        by_drop={row.name: row.shares for row in reports.by_drop},
        locality=unrelated and unrelated.candidate,
        stopped=trained.get("stopped"),
    )


def copy_source(folder: Path, *parts: str) -> None:
    """Copy files and folders of the repository into `folder`."""
    for part in parts:
        source = SOURCE / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, folder / part)


def _store_drop(folder: Path, name: str, rows: list[dict], number: int) -> DropRef:
    records = []
    for row in rows:
        try:
            records.append(parse_record(row))
        except RecordError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
    digest, arrived = drop_digest(rows), f"2026-01-{number:02d}T00:00:00Z"
    counts = {"rows": len(rows), "accepted": len(records), "quarantined": len(rows) - len(records)}
    kinds = dict(Counter(record.kind for record in records))
    info = DropInfo(digest=digest, name=name, arrived_at=arrived, kinds=kinds, **counts)
    write_drop(folder / "data/drops" / digest, info, records)
    return DropRef(digest=digest, path=f"data/drops/{digest}", arrived_at=arrived, name=name)


def run_stage(folder: Path, command: str) -> StageCost:
    """Run `python -m ...` in `folder`, with its home there; it ends when this process ends.

    The memory is that of the stage's process, or of this one if that is larger, since a process starts as a copy of its
    parent. So a benchmark that measures memory loads nothing large itself.
    """
    started = time.perf_counter()
    arguments = [sys.executable, *command.split()[1:]]
    own = {"ABREAST_HOME": str(folder / ".abreast"), "ABREAST_OWNER": str(os.getpid())}
    process = subprocess.Popen(arguments, cwd=folder, env=os.environ | own)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise AbreastError(f"{command}: ended with {process.returncode}; see its output above")
    return StageCost(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _become_parent(folder: Path, number: int) -> ParentRef:
    """Make the candidate and its knowledge base the parent of the next drop."""
    place = folder / "data/parent"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    shutil.move(folder / "model", place / "model")
    shutil.copy2(folder / "data/knowledge.parquet", place / "knowledge.parquet")
    return ParentRef(version=f"v{number}", digest=model_digest(place / "model"), path="data/parent")
