"""Records reports for `benchmarks.early_stopping`: learns a stream with several methods and seeds, keeps every report.

python -m benchmarks.record_reports --out results/early --stream banking77 --base packaged:minilm-l6-v2 --seeds 17,18
python -m benchmarks.record_reports --out results/early --stream samples

All methods answer the same questions after the same drop. Reports go to OUT/STREAM/METHOD-SEED/DROP/; existing ones are
not made again.
"""

import argparse
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from abreast.core import stage
from abreast.core.errors import AbreastError
from abreast.reports.answers import ANSWERS
from abreast.reports.metrics import METRICS
from abreast.reports.tables import BY_DROP
from abreast.reports.texts import TEXTS
from benchmarks.learn_stream import STAGES, learn
from benchmarks.retention import EVERY_QUESTION, QUICK_TOKENS
from benchmarks.retention_methods import RETENTION_METHODS
from benchmarks.stream_data import DATA, STREAMS, Drops

NEEDED = {name: command for name, command in STAGES.items() if name != "validate"}
"""All stages except the contract, which answers nothing."""


def record(out: Path, method: str, drops: Drops, knobs: dict[str, Any], seed: int) -> None:
    """Learn the stream by one method, each update on the last candidate, and save the reports of each update."""
    own = {"split": EVERY_QUESTION | {"seed": 17}, "train": {"seed": seed}, "evaluate": {}} | knobs
    own["train"] |= {"max_tokens": QUICK_TOKENS} | RETENTION_METHODS[method].knobs.get("train", {})
    own["split"] |= RETENTION_METHODS[method].knobs.get("split", {})
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as name:
        folder = Path(name)
        updates = learn(
            drops,
            folder,
            own,
            False,
            RETENTION_METHODS[method].before_training,
            RETENTION_METHODS[method].learned,
            NEEDED,
        )
        for number, update in enumerate(updates, start=1):
            place = out / f"{number:02d}"
            place.mkdir(parents=True, exist_ok=True)
            for report in (ANSWERS, TEXTS, METRICS, BY_DROP):
                shutil.copy2(folder / "reports" / report, place / report)
            print(f"{place}: {update.verdict}, {sum(update.seconds.values()):.0f} s", flush=True)


def methods_named(beginnings: str) -> list[str]:
    """The methods whose names begin with one of the given words.

    Raises:
        AbreastError: no method's name begins so, or only that of a method that learns all drops at once.
    """
    followed = [name for name, method in RETENTION_METHODS.items() if method.learned != "together"]
    for beginning in beginnings.split(","):
        if not any(name.startswith(beginning) for name in followed):
            raise AbreastError(
                f"--methods {beginning}: no method that learns drop by drop begins so; there are {', '.join(followed)}"
            )
    return [name for name in followed if name.startswith(tuple(beginnings.split(",")))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn what is missing; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stream", choices=STREAMS, default="banking77")
    parser.add_argument("--methods", default="naive,anchor only,default (", help="the first words of their names")
    parser.add_argument("--seeds", default="17", help="seeds of training, separated by commas")
    parser.add_argument("--base", help="model.base, such as packaged:minilm-l6-v2, else that of params.yaml")
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds the streams")
    for part in ("drops", "products", "rows", "asked"):
        parser.add_argument(f"--{part}", type=int, help=f"size of the stream: {part}")
    asked = parser.parse_args(arguments)
    sizes = {part: getattr(asked, part) for part in ("drops", "products", "rows", "asked")}
    stream = STREAMS[asked.stream]
    size = replace(stream.size, **{part: size for part, size in sizes.items() if size is not None})
    drops = stream.read(asked.data, size)
    knobs = {"model": {"base": asked.base}} if asked.base else {}
    for seed in map(int, asked.seeds.split(",")):
        for method in methods_named(asked.methods):
            name = re.sub("[^a-z0-9]+", "-", method.lower()).strip("-")
            out = asked.out / asked.stream / f"{name}-{seed}"
            if not (out / f"{len(drops):02d}" / METRICS).exists():
                record(out, method, drops, knobs, seed)


if __name__ == "__main__":
    stage.run(main)
