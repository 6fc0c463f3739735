"""Real answers for `benchmarks.early`: a stream learned in several ways and seeds, with every update's reports kept.

python -m benchmarks.record --out results/early --stream banking77 --base packaged:minilm-l6-v2 --seeds 17,18
python -m benchmarks.record --out results/early --stream samples

All ways are asked the same questions after the same drop, all of them. Kept are reports in OUT/STREAM/WAY-SEED/DROP/;
what lies there is not learned again.
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
from benchmarks.remember import EVERY_QUESTION, QUICK_TOKENS
from benchmarks.stream import STAGES, learn
from benchmarks.streams import DATA, STREAMS, Drops
from benchmarks.ways import WAYS

NEEDED = {name: command for name, command in STAGES.items() if name != "validate"}
"""Without the contract, which answers nothing."""


def record(out: Path, way: str, drops: Drops, knobs: dict[str, Any], seed: int) -> None:
    """Learn the stream in one way, every candidate built upon, and keep the reports of each update."""
    own = {"split": EVERY_QUESTION | {"seed": 17}, "train": {"seed": seed}, "evaluate": {}} | knobs
    own["train"] |= {"max_tokens": QUICK_TOKENS} | WAYS[way].knobs.get("train", {})
    own["split"] |= WAYS[way].knobs.get("split", {})
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as name:
        folder = Path(name)
        updates = learn(drops, folder, own, False, WAYS[way].before_training, WAYS[way].learned, NEEDED)
        for number, update in enumerate(updates, start=1):
            place = out / f"{number:02d}"
            place.mkdir(parents=True, exist_ok=True)
            for report in (ANSWERS, TEXTS, METRICS, BY_DROP):
                shutil.copy2(folder / "reports" / report, place / report)
            print(f"{place}: {update.verdict}, {sum(update.seconds.values()):.0f} s", flush=True)


def ways_called(beginnings: str) -> list[str]:
    """The ways whose names begin so.

    Raises:
        AbreastError: one of the beginnings is no way's, or that of a way that learns all drops at once.
    """
    followed = [name for name, way in WAYS.items() if way.learned != "together"]
    for beginning in beginnings.split(","):
        if not any(name.startswith(beginning) for name in followed):
            raise AbreastError(
                f"--ways {beginning}: no way that learns drop by drop begins so; there are {', '.join(followed)}"
            )
    return [name for name in followed if name.startswith(tuple(beginnings.split(",")))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn what is missing; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--stream", choices=STREAMS, default="banking77")
    parser.add_argument("--ways", default="naive,anchor only,default (", help="by the beginning of their names")
    parser.add_argument("--seeds", default="17", help="of training, with commas between")
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
        for way in ways_called(asked.ways):
            name = re.sub("[^a-z0-9]+", "-", way.lower()).strip("-")
            out = asked.out / asked.stream / f"{name}-{seed}"
            if not (out / f"{len(drops):02d}" / METRICS).exists():
                record(out, way, drops, knobs, seed)


if __name__ == "__main__":
    stage.run(main)
