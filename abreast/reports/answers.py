"""What each model made of each question: reports/answers.jsonl and reports/texts.jsonl, written and read."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error
from abreast.dataset.examples import Question
from abreast.metrics.correctness import is_right, is_stale
from abreast.reports.early_stop import EarlyStop, read_early_stop
from abreast.reports.figures import Figure, read_figures

if TYPE_CHECKING:
    from abreast.metrics.task_metrics import TextLikelihood

ANSWERS, TEXTS, METRICS = "answers.jsonl", "texts.jsonl", "metrics.json"
_FIELDS = ("id", "key", "kind", "domain", "source", "drop", "scope")
_ASKED = {*_FIELDS, "question", "answer", "stale"}


class QuestionResult(BaseModel):
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


class TextResult(BaseModel):
    """One piece of raw text, its tokens, and by model the mean natural log-likelihood of a token of it."""

    model_config = ConfigDict(frozen=True)

    key: str
    scope: Literal["current", "retained"]
    tokens: int
    means: dict[str, float | None]


class Reports(NamedTuple):
    """What the stage `evaluate` leaves for the judgement."""

    metrics: dict[str, Any]
    answers: tuple[QuestionResult, ...]
    texts: tuple[TextResult, ...]
    figures: Mapping[str, Figure] = {}
    stopped: EarlyStop | None = None


def write_answers(
    path: Path, questions: Sequence[Question], said: Mapping[str, Sequence[str] | None], tolerance: float
) -> dict[str, list[bool] | None]:
    """Write a line for each question with every model's answer; gives by model whether each was right.

    Args:
        said: by model an answer to each question; None for a model that there is not.
    """
    found = question_results(questions, said, tolerance)
    with path.open("w", encoding="utf-8") as file:
        for number, (question, one) in enumerate(zip(questions, found, strict=True)):
            given = {who: answers[number] if answers is not None else None for who, answers in said.items()}
            line = question.model_dump(include=_ASKED) | given | {"right": one.right, "outdated": one.outdated}
            file.write(json.dumps(line) + "\n")
    return {who: [one.right[who] for one in found] if answers is not None else None for who, answers in said.items()}


def question_results(
    questions: Sequence[Question], said: Mapping[str, Sequence[str] | None], tolerance: float
) -> tuple[QuestionResult, ...]:
    """What each model made of each question; arguments as of `write_answers`."""

    def each(number: int, what: Callable[[Question, str], bool]) -> dict[str, bool | None]:
        given = {who: None if answers is None else answers[number] for who, answers in said.items()}
        return {who: None if answer is None else what(questions[number], answer) for who, answer in given.items()}

    return tuple(
        QuestionResult(
            **question.model_dump(include={*_FIELDS} - {"id"}),
            right=each(number, lambda question, answer: is_right(question, answer, tolerance)),
            outdated=each(number, is_stale) if question.stale else None,
        )
        for number, question in enumerate(questions)
    )


def text_results(
    texts: Sequence[Question], foreseen: Mapping[str, "Sequence[TextLikelihood] | None"]
) -> tuple[TextResult, ...]:
    """How well each model foresaw each piece of raw text; arguments as of `write_texts`."""
    found = []
    for number, text in enumerate(texts):
        given = {who: pieces[number] if pieces is not None else None for who, pieces in foreseen.items()}
        tokens = next((piece.tokens for piece in given.values() if piece is not None), 0)
        means = {who: None if piece is None else piece.mean for who, piece in given.items()}
        found.append(TextResult(key=text.key, scope=text.scope, tokens=tokens, means=means))
    return tuple(found)


def write_texts(
    path: Path, texts: Sequence[Question], foreseen: Mapping[str, "Sequence[TextLikelihood] | None"]
) -> None:
    """Write a line for each piece of raw text.

    Args:
        foreseen: by model how well it foresaw each piece; None for a model that there is not.
    """
    with path.open("w", encoding="utf-8") as file:
        for text, one in zip(texts, text_results(texts, foreseen), strict=True):
            line = text.model_dump(include=set(_FIELDS)) | {"tokens": one.tokens, "means": one.means}
            file.write(json.dumps(line) + "\n")


def read_reports(folder: Path) -> Reports:
    """Read `metrics.json`, `answers.jsonl`, `texts.jsonl`, and what there is of the other JSON files.

    Raises:
        AbreastError: one is missing or has another form; the message names file and line.
    """
    try:
        metrics = json.loads((folder / METRICS).read_text())
    except (OSError, ValueError) as error:
        raise AbreastError(f"{folder / METRICS}: not readable ({error}); run the stage `evaluate`") from None
    answers, texts = _read(folder / ANSWERS, QuestionResult), _read(folder / TEXTS, TextResult)
    return Reports(metrics, answers, texts, read_figures(folder), read_early_stop(folder))


Line = TypeVar("Line", QuestionResult, TextResult)


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
        raise AbreastError(
            f"{where}: {first_validation_error(error, model.__name__)}; run the stage `evaluate`"
        ) from None
