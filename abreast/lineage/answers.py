"""What each version answered when it was made: `reports/answers.jsonl` of its run in MLflow, read back."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error
from abreast.reports.answers import ANSWERS
from abreast.tracking.registry import Registry


class Answered(BaseModel):
    """One question to a version and to its parent; `said_before` and `right_before` are None without a parent."""

    model_config = ConfigDict(frozen=True)

    key: str
    kind: str
    domain: str
    source: str
    drop: str
    scope: str
    question: str
    answer: str
    said: str
    right: bool
    said_before: str | None
    right_before: bool | None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, line: Any) -> Any:
        if isinstance(line, dict) and isinstance(right := line.get("right"), dict):
            now = {"said": line.get("candidate"), "right": right.get("candidate")}
            return line | now | {"said_before": line.get("champion"), "right_before": right.get("champion")}
        return line


def answers_of(registry: Registry, version: int) -> list[Answered]:
    """All questions that version `version` was asked when it was judged; raises as `Registry.report` does."""
    return _parse(registry.report(version, ANSWERS), f"reports/{ANSWERS} of v{version} in MLflow")


def read_answers(path: Path) -> list[Answered]:
    """The same of a finished clone; raises AbreastError if the file is missing or damaged."""
    try:
        return _parse(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise AbreastError(f"{path}: not readable ({error.strerror}); run the stage `evaluate`") from None


def _parse(text: str, where: str) -> list[Answered]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            found.append(Answered.model_validate(json.loads(line)))
        except ValidationError as error:
            raise AbreastError(f"{where}: line {number}: {first_validation_error(error, 'answer')}") from None
        except ValueError as error:
            raise AbreastError(f"{where}: line {number}: no JSON ({error})") from None
    return found
