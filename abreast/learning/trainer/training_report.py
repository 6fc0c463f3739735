"""The report of a training: reports/train.json and reports/curve.csv."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.core.files import new_file
from abreast.dataset.examples import Example

if TYPE_CHECKING:
    from abreast.learning.trainer.trainer import TrainingResult

CURVE = Path("reports/curve.csv")
COLUMNS = ("step", "tokens", "loss", "lr", "dev_exact_match", "dev_loss", "dev_new_exact", "dev_old_exact", "dev_kl")


def write_report(result: "TrainingResult", examples: Sequence[Example]) -> None:
    """Write reports/train.json and reports/curve.csv: no times, so that equal inputs give equal reports.

    The number of threads decides the last bits of the model on a CPU.
    """
    import torch

    reports = Path("reports")
    reports.mkdir(exist_ok=True)
    new = sum(example.role == "new" for example in examples)
    summary = {
        "stopped": result.reason,
        "dev_exact_match": result.best[0],
        "dev_loss": -result.best[1],
        "steps": result.steps,
        "tokens": result.tokens,
        "epochs": result.epochs,
        "threads": torch.get_num_threads(),
        "examples_new": new,
        "examples_replayed": len(examples) - new,
    }
    (reports / "train.json").write_text(json.dumps(summary, indent=1) + "\n")
    write_curve(result.curve)


def write_curve(curve: list[dict[str, float]]) -> None:
    """Write reports/curve.csv, one row for each evaluation; the file is complete at any moment."""
    with new_file(CURVE) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(curve)
