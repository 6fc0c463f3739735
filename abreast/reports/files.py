"""Read the files of a `reports/` folder; whatever is missing or damaged ends in one line that names it."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error

RERUN = "run the stage `evaluate`"
Entry = TypeVar("Entry", bound=BaseModel)


def read_report(path: Path) -> str:
    """The text of a report.

    Raises:
        AbreastError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AbreastError(f"{path}: not readable ({error}); {RERUN}") from None


def parse_json(text: str | bytes, model: type[Entry], where: str) -> Entry:
    """One JSON object as a model.

    Args:
        where: how the message names the text, such as the path of its file.

    Raises:
        AbreastError: the text is not JSON, or a field is missing or wrong.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise AbreastError(f"{where}: {first_validation_error(error, model.__name__)}; {RERUN}") from None


def parse_json_lines(text: str, model: type[Entry], where: str) -> tuple[Entry, ...]:
    """One model for each line; raises as `parse_json`, with the number of the line."""
    lines = enumerate(text.splitlines(), start=1)
    return tuple(parse_json(line, model, f"{where}: line {number}") for number, line in lines)


def write_json_lines(path: Path, entries: Sequence[BaseModel]) -> None:
    """Write one JSON object a line."""
    path.write_text("".join(f"{entry.model_dump_json(ensure_ascii=True)}\n" for entry in entries), encoding="utf-8")


def read_table(path: Path, model: type[Entry]) -> tuple[Entry, ...]:
    """The rows of a CSV file with a header; an empty cell is None.

    Raises:
        AbreastError: the file cannot be read, or a cell is missing or wrong; the message names its row.
    """
    found = []
    for number, row in enumerate(csv.DictReader(read_report(path).splitlines()), start=2):
        cells = {name: cell or None for name, cell in row.items() if name is not None}
        try:
            found.append(model.model_validate(cells))
        except ValidationError as error:
            raise AbreastError(
                f"{path}: line {number}: {first_validation_error(error, model.__name__)}; {RERUN}"
            ) from None
    return tuple(found)


def write_table(path: Path, rows: Sequence[BaseModel], columns: Sequence[str]) -> None:
    """Write rows as CSV with a header; None is an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(row.model_dump(include=set(columns)) for row in rows)
