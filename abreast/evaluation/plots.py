"""Pictures for the reports."""

from collections.abc import Sequence
from pathlib import Path

from abreast.reports.tables import DropRow

COLOURS = {"base": "#b8bcc4", "in_context": "#d9a441", "champion": "#7b8fb5", "candidate": "#1f5fbf"}

NAMES = {"in_context": "base with examples"}


def plot_retention(rows: Sequence[DropRow], path: Path) -> None:
    """The share of correct answers by drop, one bar for each model."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 1.4 + 0.55 * max(1, len(rows))), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shown = [who for who in COLOURS if any(getattr(row, who) is not None for row in rows)]
    height = 0.8 / max(1, len(shown))
    for offset, who in enumerate(shown):
        places = [number + (offset - (len(shown) - 1) / 2) * height for number in range(len(rows))]
        shares = [getattr(row, who) for row in rows]
        lengths = [share or 0.0 for share in shares]
        bars = axes.barh(places, lengths, height * 0.92, color=COLOURS[who], label=NAMES.get(who, who))
        axes.bar_label(bars, [f"{one:.0%}" if one is not None else "" for one in shares], padding=2, fontsize=7)
    axes.set_yticks(range(len(rows)), [f"{row.name} ({row.questions})" for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.set_xlabel("correct answers to held-out questions")
    axes.set_title("What is known, by drop (number of questions)", fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    if shown:
        figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})
