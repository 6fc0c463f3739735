"""The retention matrix of a model: what was measured of each version when it was made."""

from collections.abc import Sequence

from abreast.ledger import Version
from abreast.metrics.retention import (
    RetentionMatrix,
    average_accuracy,
    backward_transfer,
    forgetting,
    forward_transfer,
    matrix_of_updates,
)
from abreast.reports.tables import DropRow

SHOWN = 8
"""The last versions and drops in a table; the picture has all."""
BY_DROP = "by_drop"
"""Where a version's metrics in the ledger keep the rows of `reports.tables.DropRow`."""
NEW = "candidate"
"""The name of the version that is not registered yet."""
FIGURES = {
    "average_accuracy": average_accuracy,
    "backward_transfer": backward_transfer,
    "forward_transfer": forward_transfer,
    "forgetting": forgetting,
}


def retention_of(ancestors: Sequence[Version], rows: Sequence[DropRow]) -> RetentionMatrix:
    """The matrix of a candidate's ancestors, oldest first, and of the candidate as its last row.

    Drops are called by their names, and where two have one name by name and digest.

    Args:
        rows: those of the candidate's reports.
    """
    updates = [(version.name, _rows_of(version)) for version in ancestors] + [(NEW, rows)]
    matrix = matrix_of_updates((version, {row.drop: row.shares for row in held}) for version, held in updates)
    names = {row.drop: row.name for _, held in updates for row in held}
    used = list(names.values())
    drops = [names[drop] if used.count(names[drop]) == 1 else f"{names[drop]} {drop[:6]}" for drop in matrix.drops]
    return matrix.model_copy(update={"drops": tuple(drops)})


def _rows_of(version: Version) -> list[DropRow]:
    return [DropRow.model_validate(row) for row in version.metrics.get(BY_DROP, [])]


def shown(matrix: RetentionMatrix) -> RetentionMatrix:
    """The matrix for people: the version without a number is called "this version"."""
    return matrix.model_copy(update={"versions": tuple("this version" if v == NEW else v for v in matrix.versions)})
