"""What each model made of each question: reports/answers.jsonl and reports/texts.jsonl, written and read."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from abreast.errors import AbreastError
from abreast.evaluation.figures import Figure, read_figures
from abreast.evaluation.metrics import is_right, is_stale
from abreast.fault import first_fault
from abreast.knowledge.lesson import Question

if TYPE_CHECKING:
    from abreast.evaluation.kinds import Foreseen

ANSWERS, TEXTS, METRICS = "answers.jsonl", "texts.jsonl", "metrics.json"
_FIELDS = ("id", "key", "kind", "domain", "source", "drop", "scope")
_ASKED = {*_FIELDS, "question", "answer", "stale"}


class Outcome(BaseModel):
    """One question, and by model whether it was answered rightly, and whether with a superseded value.

    A model that there is not has None; `outdated` is None where nothing was superseded.
    """

    model_config = ConfigDict(frozen=True)

    key: str
    kind: str
    domain: str
    source: str
    drop: str
    scope: Literal["current", "retained"]
    right: dict[str, bool | None]
    outdated: dict[str, bool | None] | None


class Text(BaseModel):
    """One piece of raw text, its tokens, and by model the mean natural log-likelihood of a token of it."""

    model_config = ConfigDict(frozen=True)

    key: str
    scope: Literal["current", "retained"]
    tokens: int
    means: dict[str, float | None]


class Reports(NamedTuple):
    """What the stage `evaluate` leaves for the judgement."""

    metrics: dict[str, Any]
    answers: tuple[Outcome, ...]
    texts: tuple[Text, ...]
    figures: Mapping[str, Figure] = {}


def write_answers(
    path: Path, questions: Sequence[Question], said: Mapping[str, Sequence[str] | None], tolerance: float
) -> dict[str, list[bool] | None]:
    """Write a line for each question with every model's answer; gives by model whether each was right.

    Args:
        said: by model an answer to each question; None for a model that there is not.
    """
    right = {who: _each(answers, questions, lambda q, a: is_right(q, a, tolerance)) for who, answers in said.items()}
    stale = {who: _each(answers, questions, is_stale) for who, answers in said.items()}
    with path.open("w", encoding="utf-8") as file:
        for number, question in enumerate(questions):
            given = {who: answers[number] if answers is not None else None for who, answers in said.items()}
            hits = {who: held[number] if held is not None else None for who, held in right.items()}
            outdated = {who: held[number] if held is not None else None for who, held in stale.items()}
            line = question.model_dump(include=_ASKED) | given | {"right": hits}
            file.write(json.dumps(line | {"outdated": outdated if question.stale else None}) + "\n")
    return right


def write_texts(path: Path, texts: Sequence[Question], foreseen: Mapping[str, "Sequence[Foreseen] | None"]) -> None:
    """Write a line for each piece of raw text.

    Args:
        foreseen: by model how well it foresaw each piece; None for a model that there is not.
    """
    with path.open("w", encoding="utf-8") as file:
        for number, text in enumerate(texts):
            found = {who: pieces[number] if pieces is not None else None for who, pieces in foreseen.items()}
            tokens = next(piece.tokens for piece in found.values() if piece is not None)
            means = {who: None if piece is None else piece.mean for who, piece in found.items()}
            line = text.model_dump(include=set(_FIELDS)) | {"tokens": tokens, "means": means}
            file.write(json.dumps(line) + "\n")


def read_reports(folder: Path) -> Reports:
    """Read `metrics.json`, `answers.jsonl` and `texts.jsonl`, and what there is of `safety.json` and `serving.json`.

    Raises:
        AbreastError: one is missing or has another form; the message names file and line.
    """
    try:
        metrics = json.loads((folder / METRICS).read_text())
    except (OSError, ValueError) as error:
        raise AbreastError(f"{folder / METRICS}: not readable ({error}); run the stage `evaluate`") from None
    return Reports(metrics, _read(folder / ANSWERS, Outcome), _read(folder / TEXTS, Text), read_figures(folder))


def _each(answers: Sequence[str] | None, questions: Sequence[Question], what: Any) -> list[bool] | None:
    if answers is None:
        return None
    return [what(question, answer) for question, answer in zip(questions, answers, strict=True)]


Line = TypeVar("Line", Outcome, Text)


def _read(path: Path, model: type[Line]) -> tuple[Line, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise AbreastError(f"{path}: not readable ({error.strerror}); run the stage `evaluate`") from None
    return tuple(_parse(line, model, f"{path}: line {number}") for number, line in enumerate(lines, start=1))


def _parse(line: str, model: type[Line], where: str) -> Line:
    try:
        return model.model_validate_json(line)
    except ValidationError as error:
        raise AbreastError(f"{where}: {first_fault(error, model.__name__)}; run the stage `evaluate`") from None
