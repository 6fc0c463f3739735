"""One trial: the stage `train` with the trial's knobs laid over params.yaml, watched check by check."""

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
from abreast.tuning.prepared import Prepared
from abreast.tuning.process import running
from abreast.tuning.space import lay_over

LOOK_SECONDS = 0.2
_OWN = ("params.yaml", "reports", "model")

Check = dict[str, float]
"""A row of reports/curve.csv; an empty cell is left out."""


@dataclass(frozen=True)
class Attempt:
    """A trial's folder, its log and the home of its checkpoints, which outlives a kill."""

    project: Project
    prepared: Prepared
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

    def run(self, knobs: dict[str, Any], checked: Callable[[Check], bool]) -> dict[str, Any]:
        """Train; gives reports/train.json, or nothing if it was stopped.

        Args:
            checked: told each check on the development set; if it says false, the training is stopped.

        Raises:
            AbreastError: the knobs, or the training with them, are refused; with the reason.
        """
        laid = lay_over(self.project.params, knobs)
        parse_params(laid, "the trial's knobs")
        self._lay_out(laid)
        with running(self.project, self.prepared.train, self.folder, self.log, self._home) as process:
            for check in _watch(process, self.folder / "reports/curve.csv"):
                if not checked(check):
                    return {}
        return json.loads((self.folder / "reports/train.json").read_text())

    def clear(self) -> None:
        """Remove all but the log."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self._home, ignore_errors=True)

    def _lay_out(self, knobs: dict[str, Any]) -> None:
        """A folder like the desk, with knobs and outputs of its own."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for entry in self.prepared.desk.iterdir():
            if entry.name not in _OWN:
                (self.folder / entry.name).symlink_to(entry)
        YAML(typ="safe", pure=True).dump(knobs, self.folder / "params.yaml")


def objective(check: Check, questions: int) -> float:
    """The share answered exactly, and where that is equal, the smaller loss, as one number.

    The term for the loss is in [0, 1/questions], less than what one more right answer counts.
    """
    loss = check.get("dev_loss", math.inf)
    return check["dev_exact_match"] + (0.0 if math.isnan(loss) else 1.0 / (questions * (1.0 + loss)))


def _watch(process: subprocess.Popen, curve: Path) -> Iterator[Check]:
    """The rows of a curve as the training adds them, until its process ends."""
    seen = 0
    while True:
        ended = process.poll() is not None
        rows = _rows(curve)
        yield from rows[seen:]
        seen = len(rows)
        if ended:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_SECONDS)


def _rows(curve: Path) -> list[Check]:
    try:
        with curve.open(newline="") as file:
            return [{name: float(cell) for name, cell in row.items() if cell} for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
