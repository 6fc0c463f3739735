"""Measures how often drift is detected where there is none, and where there is some, on the streams of the benchmarks.

python -m benchmarks.drift --data ../shared/data
python -m benchmarks.drift --stream banking77 --repeats 20

A/A draws two samples from one drop, again and again; power draws one sample from the first drop and one from a later.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from abreast.core import stage
from abreast.core.settings import Drift as Knobs
from abreast.dataset.templates import load_templates
from abreast.evaluation.drift.comparison import DriftResult, compare_samples
from abreast.evaluation.drift.sample import TextSample, sample_of_rows
from abreast.knowledge.drop import DropInfo
from abreast.knowledge.knowledge_base import apply_drops
from abreast.knowledge.record import parse_record
from benchmarks.learn_stream import SOURCE
from benchmarks.stream_data import DATA, StreamSize, read_stream
from benchmarks.tables import markdown_table

TEMPLATES = SOURCE / "abreast/dataset/templates.yaml"
SIZES = {
    "lifecycle": StreamSize(drops=10, products=40),
    "banking77": StreamSize(drops=7, rows=60, dev=10, asked=10),
    "broad-twitter": StreamSize(drops=3, rows=400, dev=40, asked=40),
}
KNOWN = 200
NOW = (20, 50, 100)
HEAD = ("known", "comes in", "texts", "p below 0.05", "p below 0.01", "AUC, median", "drift is shown", "seconds")


def drop_samples(stream: str, data: Path) -> list[tuple[str, TextSample]]:
    """Each drop of a stream as texts and groups."""
    templates, found = load_templates(TEMPLATES), []
    for day, (name, rows) in enumerate(read_stream(stream, data, SIZES[stream]), start=1):
        records = [parse_record(row) for row in rows]
        info = DropInfo(
            digest=f"{day:064d}",
            name=name,
            arrived_at=f"2024-06-{day:02d}T00:00:00Z",
            rows=len(rows),
            accepted=len(rows),
            quarantined=0,
            kinds={},
        )
        found.append((name, sample_of_rows(_table(info, records), templates, 10_000, "benchmark")))
    return found


def _table(info: DropInfo, records: Sequence) -> pd.DataFrame:
    rows, _ = apply_drops(None, [(info, records)])
    return rows


def split_sample(pool: TextSample, count: int, random: np.random.Generator) -> tuple[TextSample, TextSample]:
    """Draw `count` texts of the pool; return them and the rest in random order."""
    order = random.permutation(len(pool.texts))
    return _take(pool, order[:count]), _take(pool, order[count:])


def _take(pool: TextSample, places: Sequence[int]) -> TextSample:
    groups = {by: [held[at] for at in places] for by, held in pool.groups.items() if len(held) == len(pool.texts)}
    return TextSample([pool.texts[at] for at in places], groups)


def compare_within(pool: TextSample, known: int, now: int, random: np.random.Generator) -> DriftResult:
    """One comparison of two samples of one pool."""
    first, rest = split_sample(pool, known, random)
    return compare_samples("null", first, split_sample(rest, now, random)[0], Knobs(seed=int(random.integers(2**31))))


def compare_between(before: TextSample, after: TextSample, now: int, random: np.random.Generator) -> DriftResult:
    """One comparison of a sample of each of two pools."""
    known, came = split_sample(before, KNOWN, random)[0], split_sample(after, now, random)[0]
    return compare_samples("shifted", known, came, Knobs(seed=int(random.integers(2**31))))


def comparison_row(known: str, now: str, texts: str, found: Sequence[DriftResult], seconds: float) -> tuple[str, ...]:
    """One row of the table."""
    below = [f"{100 * np.mean([one.p <= level for one in found]):.1f} %" for level in (0.05, 0.01)]
    apart = f"{np.median([one.size for one in found]):.2f}"
    shown = f"{100 * np.mean([one.shown for one in found]):.1f} %"
    return known, now, texts, *below, apart, shown, f"{seconds / len(found):.2f}"


def comparison_rows(stream: str, data: Path, repeats: int, random: np.random.Generator) -> Iterator[tuple[str, ...]]:
    """A/A within the first drop, and each later drop against the first."""
    (first, pool), *later = drop_samples(stream, data)
    half = min(len(pool.texts) // 2, KNOWN // 2)
    begun = time.perf_counter()
    found = [compare_within(pool, half, half, random) for _ in range(repeats)]
    yield comparison_row(first, first, f"{half}, {half}", found, time.perf_counter() - begun)
    for name, after in later[:2]:
        for now in (count for count in NOW if count <= len(after.texts)):
            begun = time.perf_counter()
            found = [compare_between(pool, after, now, random) for _ in range(max(2, repeats // 10))]
            known = min(KNOWN, len(pool.texts))
            yield comparison_row(first, name, f"{known}, {now}", found, time.perf_counter() - begun)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--stream", choices=[*SIZES], action="append", help="repeat it for several; default: all")
    parser.add_argument("--repeats", type=int, default=200, help="A/A comparisons; a tenth as many of each other kind")
    parser.add_argument("--seed", type=int, default=17)
    asked = parser.parse_args(arguments)
    for stream in asked.stream or SIZES:
        random = np.random.default_rng(asked.seed)
        print(
            f"\n## {stream}\n\n{markdown_table(HEAD, comparison_rows(stream, asked.data, asked.repeats, random))}",
            flush=True,
        )


if __name__ == "__main__":
    stage.run(main)
