"""One trial: the stage `train` with the trial's knobs in params.yaml, watched row by row of its curve."""

import contextlib
import csv
import json
import math
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from abreast.core.project import Project
from abreast.core.settings import parse_params
from abreast.tuning.prepared_study import PreparedStudy
from abreast.tuning.space import override
from abreast.tuning.stage_process import stage_process

POLL_SECONDS = 0.2
_TRIALS_OWN = ("params.yaml", "reports", "model")

CurveRow = dict[str, float]
"""A row of reports/curve.csv, one evaluation on the development set; empty cells are left out."""


@dataclass(frozen=True)
class TrialTraining:
    """The training of one trial, in a folder of its own; its checkpoints lie in a home that outlives a kill."""

    project: Project
    prepared: PreparedStudy
    number: int

    @property
    def folder(self) -> Path:
        return self.prepared.folder / "trials" / f"{self.number:04d}"

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    @property
    def _home(self) -> Path:
        return self.prepared.folder / "home"

    def run(self, knobs: dict[str, Any], on_row: Callable[[CurveRow], bool]) -> dict[str, Any]:
        """Train; return reports/train.json, or {} if the training was stopped.

        Args:
            on_row: called with each row of the curve; the training stops if it returns False.

        Raises:
            AbreastError: the knobs are invalid, or the training failed; with the reason.
        """
        overridden = override(self.project.params, knobs)
        parse_params(overridden, "the trial's knobs")
        self._make_folder(overridden)
        with stage_process(self.project, self.prepared.train, self.folder, self.log, self._home) as process:
            for row in _follow_curve(process, self.folder / "reports/curve.csv"):
                if not on_row(row):
                    return {}
        return json.loads((self.folder / "reports/train.json").read_text())

    def clear(self) -> None:
        """Remove everything except the log."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def _make_folder(self, knobs: dict[str, Any]) -> None:
        """Link the prepared copy into the trial's folder, which has knobs and outputs of its own."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for entry in self.prepared.project_copy.iterdir():
            if entry.name not in _TRIALS_OWN:
                (self.folder / entry.name).symlink_to(entry)
        YAML(typ="safe", pure=True).dump(knobs, self.folder / "params.yaml")


def objective(row: CurveRow, questions: int) -> float:
    """The share answered exactly plus a term for the loss, which decides only where the shares are equal.

    The term is in [0, 1/questions], at most what one more right answer adds.
    """
    loss = row.get("dev_loss", math.inf)
    return row["dev_exact_match"] + (0.0 if math.isnan(loss) else 1.0 / (questions * (1.0 + loss)))


def _follow_curve(process: subprocess.Popen, curve: Path) -> Iterator[CurveRow]:
    """Yield the rows of a curve as the training writes them, until its process ends."""
    seen = 0
    while True:
        ended = process.poll() is not None
        rows = _rows(curve)
        yield from rows[seen:]
        seen = len(rows)
        if ended:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)


def _rows(curve: Path) -> list[CurveRow]:
    try:
        with curve.open(newline="") as file:
            return [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
