"""A fake of the stage `train`: it writes the curve that its knobs stand for, row by row.

The nearer `train.learning_rate` is to 0.01, the more questions it answers; above 0.5 it fails with a reason, and at
`train.patience` 13 or 14 it dies.
"""

import csv
import json
import math
import os
import signal
import sys
from pathlib import Path

import yaml

CHECKS = 4


def share(lr: float, check: int) -> float:
    """The share answered at an evaluation."""
    return max(0.0, 1.0 - abs(math.log10(lr) + 2) / 2) * check / CHECKS


def main() -> None:
    train = yaml.safe_load(Path("params.yaml").read_text())["train"]
    if train["learning_rate"] > 0.5:
        Path(os.environ["ABREAST_FAILURE"]).write_text("train.learning_rate: too high for this stage")
        sys.exit(2)
    if train["patience"] == 13:
        sys.exit("out of patience")
    if train["patience"] == 14:
        os.kill(os.getpid(), signal.SIGKILL)
    Path("reports").mkdir()
    with Path("reports/curve.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "tokens", "loss", "dev_exact_match", "dev_loss", "lr"])
        for check in range(1, CHECKS + 1):
            exact = share(train["learning_rate"], check)
            writer.writerow([check * 10, check * 100, 1.0, exact, 1.0 - exact, train["learning_rate"]])
    Path("reports/train.json").write_text(json.dumps({"stopped": "train.epochs reached (4)"}))


if __name__ == "__main__":
    main()
