"""The retention matrix as a picture, in colours that colour-blind people can distinguish (viridis)."""

from collections.abc import Sequence
from io import BytesIO
from math import nan
from typing import Any

from abreast.metrics.retention import RetentionMatrix

DARK = 0.55
"""The share from which on a cell is light enough for black figures."""


def plot_matrix(matrix: RetentionMatrix) -> Any:
    """A figure with a row for each version and a column for each drop; grey where nothing was asked."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (2.6 + 0.75 * len(matrix.drops), 1.6 + 0.42 * len(matrix.versions))
    figure = Figure(figsize=(max(5.0, size[0]), max(2.4, size[1])), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    draw_cells(axes, matrix.scores)
    axes.set_yticks(range(len(matrix.versions)), matrix.versions, fontsize=8)
    axes.set_xticks(range(len(matrix.drops)), matrix.drops, fontsize=8, rotation=30, ha="right")
    axes.set_xlabel("accuracy in % on held-out questions of this drop", fontsize=8)
    axes.set_title("Accuracy by version and drop", fontsize=10, loc="left")
    return figure


def matrix_png(matrix: RetentionMatrix) -> bytes:
    """The picture as the bytes of a PNG file."""
    picture = BytesIO()
    plot_matrix(matrix).savefig(picture, format="png")
    return picture.getvalue()


def draw_cells(axes: Any, scores: Sequence[Sequence[float | None]], fontsize: float = 8) -> Any:
    """Colour and percentage of each share, `scores` of shape (rows, columns); gives the image, for a colour bar."""
    shares = [[nan if share is None else share for share in row] for row in scores]
    image = axes.imshow(shares, vmin=0.0, vmax=1.0, cmap="viridis", aspect="auto")
    for row, line in enumerate(scores):
        for column, share in enumerate(line):
            if share is not None:
                colour = "black" if share >= DARK else "white"
                text = f"{100 * share:.0f}"
                axes.text(column, row, text, ha="center", va="center", fontsize=fontsize, color=colour)
    axes.set_facecolor("#f4f4f4")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return image
