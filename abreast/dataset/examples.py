"""Lessons: the examples that a model is taught and the questions that it is asked, as JSON lines."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.files import new_file
from abreast.core.validation import first_validation_error


class Example(BaseModel):
    """One question with its answer, to be taught: on what this snapshot brought, or rehearsed from before.

    Of raw text (kind `text`) the question is empty and the answer is all of it. `key` is the record's id where the
    record has no key of its own; `drop` is the digest of the drop it came in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    key: str
    kind: str
    domain: str
    drop: str
    role: Literal["new", "rehearsed"]
    question: str
    answer: str


class Question(BaseModel):
    """One held-out question: on what this snapshot brought (`current`) or on what was known before (`retained`).

    Of raw text the question is empty: how well the answer is foreseen is measured, and nothing is asked. `key` is as in
    `Example`; `drop`, `drop_name` and `arrived_at` are the digest, the name and the time of arrival of the drop that
    brought the answer; `stale` lists the superseded values of the key that differ from it.
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
    """Write one object a line; gives the number of lines."""
    count = 0
    with new_file(path, crash_after=crash_after) as partial, partial.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(f"{line.model_dump_json(ensure_ascii=True)}\n")
            count += 1
    return count


def read_examples(path: Path) -> list[Example]:
    """Read what `write_jsonl` wrote; raises AbreastError with file and line."""
    return _read(path, Example)


def read_questions(path: Path) -> list[Question]:
    """Read what `write_jsonl` wrote; raises AbreastError with file and line."""
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
