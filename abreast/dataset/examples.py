"""Training examples and held-out questions, as JSON lines."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.files import new_file
from abreast.core.validation import first_validation_error


class Example(BaseModel):
    """One training example, a question with its answer: new in this snapshot, or replayed from earlier ones.

    For raw text (kind `text`) the question is empty and the answer is the whole text. `key` is the record's id if the
    record has no key; `drop` is the digest of the drop that brought it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    key: str
    kind: str
    domain: str
    drop: str
    role: Literal["new", "replayed"]
    question: str
    answer: str


class Question(BaseModel):
    """One held-out question: on a record new in this snapshot (`current`) or on an earlier one (`retained`).

    For raw text the question is empty, and the probability of the answer is measured. `key` is as in `Example`; `drop`,
    `drop_name` and `arrived_at` are the digest, the name and the time of arrival of the drop that brought the answer;
    `stale` lists the superseded values of the key that differ from the answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    key: str
    kind: str
    domain: str
    source: str
    drop: str
    drop_name: str
    arrived_at: str
    scope: Literal["current", "retained"]
    question: str
    answer: str
    stale: tuple[str, ...] = ()


Line = TypeVar("Line", bound=BaseModel)


def write_jsonl(path: Path, lines: Iterable[BaseModel], crash_after: str | None = None) -> int:
    """Write one object per line; return the number of lines."""
    count = 0
    with new_file(path, crash_after=crash_after) as partial, partial.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(f"{line.model_dump_json(ensure_ascii=True)}\n")
            count += 1
    return count


def read_examples(path: Path) -> list[Example]:
    """Read a file that `write_jsonl` wrote; AbreastError names file and line."""
    return _read(path, Example)


def read_questions(path: Path) -> list[Question]:
    """Read a file that `write_jsonl` wrote; AbreastError names file and line."""
    return _read(path, Question)


def _read(path: Path, model: type[Line]) -> list[Line]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; the stage `split` writes it") from None
    return [_parse(line, model, f"{path}: line {number}") for number, line in enumerate(lines, start=1)]


def _parse(line: bytes, model: type[Line], where: str) -> Line:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise AbreastError(f"{where}: {first_validation_error(error, model.__name__)}") from None
