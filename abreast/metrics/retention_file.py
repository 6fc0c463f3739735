"""The retention matrix as a table that people, spreadsheets and plots read."""

import csv
from contextlib import suppress
from math import isfinite
from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.metrics.retention import RetentionMatrix

BASE = "base"
"""The name of the rows of the untrained base; no version may have it."""
COLUMNS = ("version", "drop", "learned_by", "score")


def write_retention(matrix: RetentionMatrix, path: Path) -> None:
    """Write one row for each version and drop, the base first: `version,drop,learned_by,score`, UTF-8, in the order of
    the matrix; a score that was not measured is empty.

    Raises:
        AbreastError: a version is called `base`.
    """
    if BASE in matrix.versions:
        raise AbreastError(f"{path}: a version is called {BASE}, which stands for the untrained base")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for version, scores in zip((BASE, *matrix.versions), (matrix.base, *matrix.scores), strict=True):
            for drop, row, score in zip(matrix.drops, matrix.learned, scores, strict=True):
                writer.writerow((version, drop, matrix.versions[row], "" if score is None else repr(score)))


def read_retention(path: Path) -> RetentionMatrix:
    """Read what `write_retention` wrote, digit for digit; a matrix with no drop comes back as the empty one.

    Raises:
        AbreastError: the file is not there or is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AbreastError(f"{path}: cannot be read: {error}") from None
    cells: dict[tuple[str, str], float | None] = {}
    learned: dict[str, str] = {}
    for number, line in enumerate(lines, start=2):
        cell = (line.get("version") or "", line.get("drop") or "")
        if set(line) != set(COLUMNS) or None in line.values() or cell in cells:
            raise AbreastError(f"{path}: line {number}: must be {','.join(COLUMNS)}, each version and drop once")
        cells[cell] = _score(line["score"], f"{path}: line {number}")
        if learned.setdefault(cell[1], line["learned_by"]) != line["learned_by"]:
            raise AbreastError(f"{path}: line {number}: {cell[1]} was learned by {learned[cell[1]]} in a line above")
    return _matrix(cells, learned, path)


def _matrix(cells: dict[tuple[str, str], float | None], learned: dict[str, str], path: Path) -> RetentionMatrix:
    versions = tuple(version for version in dict.fromkeys(version for version, _ in cells) if version != BASE)
    if strange := sorted(set(learned.values()) - set(versions)):
        raise AbreastError(f"{path}: learned_by names versions that have no line: {', '.join(strange)}")
    rows = [(version, drop) for version in (BASE, *versions) for drop in learned]
    if missing := [f"{version} on {drop}" for version, drop in rows if cells and (version, drop) not in cells]:
        raise AbreastError(f"{path}: no line for {missing[0]}; there must be one for each version and drop")
    return RetentionMatrix(
        versions=versions,
        drops=tuple(learned),
        learned=tuple(versions.index(version) for version in learned.values()),
        scores=tuple(tuple(cells[version, drop] for drop in learned) for version in versions),
        base=tuple(cells[BASE, drop] for drop in learned),
    )


def _score(text: str, where: str) -> float | None:
    if not text:
        return None
    with suppress(ValueError):
        if isfinite(score := float(text)):
            return score
    raise AbreastError(f"{where}: score {text!r}: must be a number, or empty where it was not measured")
