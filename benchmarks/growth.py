"""Measures whether one more drop costs the same after 2 drops as after 20, with made-up facts in drops of one size.

python -m benchmarks.growth --out results/growth
python -m benchmarks.growth --out results/growth --base FOLDER     # such as a tiny model, in minutes

The first drop is large, so that from the second drop on replay and evaluation are as large as the knobs allow. Each
later drop brings new facts and supersedes some of the drop before. Every update trains one epoch. The table shows
processor time, which other work on the machine changes least.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

from abreast.core import stage
from benchmarks.learn_stream import UpdateMeasurement, learn
from benchmarks.plots import new_figure
from benchmarks.stream_data import Drops
from benchmarks.tables import markdown_table

START, NEW, SUPERSEDED = 300, 20, 5
KNOBS: dict[str, dict[str, Any]] = {"train": {"epochs": 1, "max_tokens": 1_000_000}}
COLOURS = ("#999999", "#CC79A7", "#56B4E9", "#0072B2", "#E69F00")
"""Colours of the stages, in their order (Okabe and Ito 2008)."""
MARKS = "svd^o"


def made_up_drops(drops: int) -> Drops:
    """A first drop of `START` facts, then drops of `NEW` facts and `SUPERSEDED` new values of the drop before."""
    stream: Drops = []
    for number in range(1, drops + 1):
        day = (date(2024, 1, 1) + timedelta(weeks=number)).isoformat()
        rows = [_fact(number, place, 0, day) for place in range(START if number == 1 else NEW)]
        rows += [_fact(number - 1, place, 1, day) for place in range(SUPERSEDED if number > 1 else 0)]
        stream.append((f"{number:02d}", rows))
    return stream


def _fact(drop: int, place: int, edition: int, day: str) -> dict:
    value = f"{drop}.{(7 * place + 3 * edition) % 100:02d}.{edition}"
    return {"key": f"part {drop:02d}-{place:03d}", "value": value, "as_of": day}


def slope_of(values: Sequence[float]) -> tuple[float, float]:
    """The least-squares slope per drop, and its share of the mean."""
    import numpy as np

    slope = float(np.polyfit(range(len(values)), values, 1)[0])
    return slope, slope / fmean(values)


def growth_table(done: Sequence[UpdateMeasurement]) -> str:
    """One row per drop, as Markdown."""
    stages = list(done[0].processor)
    head = ["drop", "rows", "tokens trained", *(f"{name} s" for name in stages), "all s", "wall s", "peak MB"]
    rows = []
    for one in done:
        seconds = [*one.processor.values(), sum(one.processor.values()), sum(one.seconds.values())]
        cells = [*(f"{second:.1f}" for second in seconds), f"{one.peak_mb:.0f}"]
        rows.append([one.name, str(one.facts), str(one.tokens), *cells])
    return markdown_table(head, rows)


def trends(done: Sequence[UpdateMeasurement]) -> str:
    """How fast cost grows from the second drop on, in words."""
    lines = []
    for what, unit, values in (
        ("processor time", "s", [sum(one.processor.values()) for one in done[1:]]),
        ("peak memory", "MB", [one.peak_mb for one in done[1:]]),
        ("tokens trained", "tokens", [float(one.tokens) for one in done[1:]]),
    ):
        slope, share = slope_of(values)
        lines.append(f"- {what}: {slope:+.2f} {unit} a drop, {share:+.2%} of the mean of {fmean(values):.0f} {unit}")
    return "\n".join(lines)


def plot_growth(done: Sequence[UpdateMeasurement], path: Path) -> None:
    """Seconds of processor time by stage, and peak memory, against the number of drops so far."""
    figure = new_figure(9.0, 3.8)
    left, right = figure.subplots(1, 2)
    numbers, time = range(1, len(done) + 1), [sum(one.processor.values()) for one in done]
    seconds = {name: [one.processor[name] for one in done] for name in done[0].processor}
    left.stackplot(numbers, *seconds.values(), labels=list(seconds), colors=COLOURS)
    left.set_title(
        f"Time of an update: {slope_of(time[1:])[1]:+.1%} a drop from the second on", fontsize=10, loc="left"
    )
    left.set_ylabel("seconds of processor time")
    for name, colour, mark in zip(seconds, COLOURS, MARKS, strict=True):
        peaks = [one.peaks[name] for one in done]
        right.plot(numbers, peaks, mark, linestyle="-", linewidth=1, color=colour, markersize=3.5)
    share = slope_of([one.peak_mb for one in done[1:]])[1]
    right.set_title(f"Peak memory: {share:+.1%} a drop from the second on", fontsize=10, loc="left")
    right.set_ylabel("MB")
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        axes.set_xlim(1, len(done))
        axes.set_xlabel("drops so far")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(seconds), frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})


def main() -> None:
    """Run the stream; print and save the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the table, the measurements and the plot")
    parser.add_argument("--drops", type=int, default=20)
    parser.add_argument("--base", help="model.base (default: that of params.yaml)")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as name:
        knobs = KNOBS | {"model": {"base": asked.base} if asked.base else {}}
        done = []
        for one in learn(made_up_drops(asked.drops), Path(name), knobs, gated=False):
            done.append(one)
            print(f"drop {one.name}: {sum(one.processor.values()):.1f} s, {one.peak_mb:.0f} MB", flush=True)
            (asked.out / "growth.json").write_text(json.dumps([vars(each) for each in done], indent=1) + "\n")
    plot_growth(done, asked.out / "growth.png")
    text = f"{growth_table(done)}\n\n{trends(done)}"
    (asked.out / "growth.md").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    stage.run(main)
