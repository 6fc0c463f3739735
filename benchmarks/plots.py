"""The plots of the benchmarks, in colours for all kinds of colour vision (viridis; Okabe and Ito 2008)."""

from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from statistics import fmean
from textwrap import fill
from typing import Any

from abreast.metrics.retention import RetentionMatrix
from abreast.tracking.heat_map import draw_cells
from benchmarks.retention_methods import RETENTION_METHODS
from benchmarks.retention_summary import RetentionSummary, mean_summary

TITLE_WIDTH = 30
COLUMNS = 5
FAMILIES = {
    "nothing is trained": ("#000000", "X"),
    "the new drop alone": ("#D55E00", "s"),
    "the new drop and replay": ("#0072B2", "o"),
    "all drops at once": ("#009E73", "D"),
}
"""Colour and marker of each family of methods."""


def family(method: str) -> str:
    """A method's family, by what it trains on."""
    if method not in RETENTION_METHODS or "train" not in RETENTION_METHODS[method].stages:
        return "nothing is trained"
    if RETENTION_METHODS[method].learned != "each":
        return "all drops at once"
    alone = RETENTION_METHODS[method].knobs.get("split", {}).get("replay_ratio") == 0.0
    return "the new drop alone" if alone else "the new drop and replay"


def plot_matrices(matrices: Mapping[str, Sequence[RetentionMatrix]], stream: str, path: Path) -> None:
    """R[version, drop] of each method, one small map each; the mean over seeds."""
    columns = min(COLUMNS, len(matrices))
    rows = ceil(len(matrices) / columns)
    drops = max(len(runs[0].drops) for runs in matrices.values())
    figure = new_figure(1.4 + columns * max(1.9, 0.4 * drops), 0.9 + rows * max(1.4, 0.3 * drops + 0.5))
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in [*grid.flat][len(matrices) :]:
        axes.set_visible(False)
    for axes, (name, runs) in zip(grid.flat, matrices.items(), strict=False):
        image = _map(axes, runs, drops)
        axes.set_title(fill(name, TITLE_WIDTH), fontsize=8, loc="left")
    figure.suptitle(f"{stream}: right answers on each drop, in %", fontsize=11, x=0.01, ha="left")
    figure.supylabel("drops learned so far", fontsize=9)
    figure.supxlabel("asked about drop", fontsize=9)
    bar = figure.colorbar(image, ax=grid, shrink=0.7, aspect=30, pad=0.01)
    bar.ax.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    bar.ax.tick_params(labelsize=7)
    figure.savefig(path, metadata={"Software": None})


def _map(axes: Any, runs: Sequence[RetentionMatrix], drops: int) -> Any:
    """One row per version, at the number of drops that it has learned."""
    shares: list[list[float | None]] = [[None] * drops for _ in range(drops)]
    for version in range(len(runs[0].versions)):
        learned = sum(row <= version for row in runs[0].learned)
        for drop in range(learned):
            known = [run.scores[version][drop] for run in runs if run.scores[version][drop] is not None]
            shares[learned - 1][drop] = fmean(known) if known else None
    image = draw_cells(axes, shares, fontsize=6.5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(range(drops), [str(number + 1) for number in range(drops)], fontsize=7)
    return image


def plot_compute(methods: Mapping[str, Sequence[RetentionSummary]], stream: str, path: Path) -> None:
    """Quality against compute: right answers after the last drop (bars: lowest and highest seed), tokens of it."""
    known = {
        name: (mean_summary(runs), runs) for name, runs in methods.items() if mean_summary(runs).average is not None
    }
    figure = new_figure(9.0, max(4.2, 0.24 * len(known) + 1.2))
    axes = figure.subplots()
    for label, (colour, mark) in FAMILIES.items():
        members = [pair for name, pair in known.items() if family(name) == label]
        x, y = [mean.last_tokens for mean, _ in members], [mean.average for mean, _ in members]
        low = [mean.average - min(_averages(runs)) for mean, runs in members]
        high = [max(_averages(runs)) - mean.average for mean, runs in members]
        style = {"fmt": mark, "color": colour, "ecolor": colour, "elinewidth": 1, "markersize": 6, "alpha": 0.85}
        if members:
            axes.errorbar(x, y, yerr=[low, high], label=label, clip_on=False, zorder=3, **style)
    axes.set_ylim(0, 1)
    axes.set_xlim(0, 1.08 * max(1.0, *(mean.last_tokens for mean, _ in known.values())))
    _name_points(axes, {name: (mean.last_tokens, mean.average) for name, (mean, _) in known.items()})
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel("tokens trained at the last drop (the same on any machine)")
    axes.set_ylabel("right answers, mean over drops")
    axes.set_title(f"{stream}: right answers at the end against the cost of the last drop", fontsize=10, loc="left")
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=len(FAMILIES), frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})


def _averages(runs: Sequence[RetentionSummary]) -> list[float]:
    return [run.average for run in runs if run.average is not None]


def _name_points(axes: Any, points: Mapping[str, tuple[float, float]]) -> None:
    """Write the names in a column at the right, ordered by height, each with a line to its point."""
    order = sorted(points, key=lambda name: points[name][1])
    step = 1.0 / max(1, len(order) - 1)
    for number, name in enumerate(order):
        axes.annotate(
            name,
            points[name],
            xytext=(1.03, number * step),
            textcoords="axes fraction",
            fontsize=7.5,
            va="center",
            color=FAMILIES[family(name)][0],
            arrowprops={
                "arrowstyle": "-",
                "color": "#b0b0b0",
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def new_figure(width: float, height: float) -> Any:
    """An empty figure that needs no screen; width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    return figure
