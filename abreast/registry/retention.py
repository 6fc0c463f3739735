"""What each version of a line knows of each drop, from what was measured when each of them was made."""

from collections.abc import Mapping, Sequence
from typing import Any

from abreast.evaluation.measures.retention import (
    RetentionMatrix,
    average_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
    of_updates,
)
from abreast.registry.ledger import Version

SHOWN = 8
"""So many of the last versions and drops stand on a version's page; the picture has all."""
BY_DROP = "by_drop"
"""Where a version's metrics in the ledger keep the rows of `evaluation.tables.read_by_drop`."""
NEW = "candidate"
"""What the version is called that is not registered yet."""
FIGURES = {
    "average_accuracy": average_accuracy,
    "backward_transfer": backward_transfer,
    "forward_transfer": forward_transfer,
    "forgetting": forgetting,
}


def retention_of(ancestors: Sequence[Version], rows: Sequence[Mapping[str, Any]]) -> RetentionMatrix:
    """The matrix of a candidate's ancestors, oldest first, and of the candidate as its last row.

    Drops are called by their names, and where two have one name by name and digest.

    Args:
        rows: the candidate's, as `read_by_drop` gives them.
    """
    updates = [(version.name, version.metrics.get(BY_DROP, [])) for version in ancestors] + [(NEW, rows)]
    matrix = of_updates((version, {row["drop"]: row for row in held}) for version, held in updates)
    names = {row["drop"]: row["name"] for _, held in updates for row in held}
    told = list(names.values())
    drops = [names[drop] if told.count(names[drop]) == 1 else f"{names[drop]} {drop[:6]}" for drop in matrix.drops]
    return matrix.model_copy(update={"drops": tuple(drops)})


def remembered(matrix: RetentionMatrix) -> str:
    """What is remembered, as a section of a version's page: the figures, and the last rows and columns."""
    figures = ((name.replace("_", " "), of(matrix)) for name, of in FIGURES.items())
    told = ", ".join(f"{name} {value:.3g}" for name, value in figures if value is not None)
    drops = matrix.drops[-SHOWN:]
    rows = [f"| right answers on | {' | '.join(drops)} |", "|---" * (len(drops) + 1) + "|"]
    for version, scores in list(zip(matrix.versions, matrix.scores, strict=True))[-SHOWN:]:
        shares = ("–" if share is None else f"{share:.3g}" for share in scores[-SHOWN:])
        rows.append(f"| {'this version' if version == NEW else version} | {' | '.join(shares)} |")
    return "\n".join([f"### What is remembered of each drop\n{told}\n", *rows])
