"""What each model answered to each question: reports/answers.jsonl."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from pydantic import AliasChoices, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from abreast.dataset.examples import Question
from abreast.metrics.correctness import is_right, is_stale
from abreast.reports.files import parse_json_lines
from abreast.reports.metrics import MODELS, ReportModel

ANSWERS = "answers.jsonl"
_OF_QUESTION = {"id", "key", "kind", "domain", "source", "drop", "scope", "question", "answer", "stale"}


class QuestionResult(ReportModel):
    """One question, and by model its answer, whether that is correct, and whether it is a superseded value.

    A model that does not exist has None; `outdated` is None where nothing was superseded. `confidence` is the
    probability that the model gave to its answer, None where it is not known. In the file the answers stand beside the
    other fields, under the names of the models; files from before `correct` call it `right`.
    """

    id: str = ""
    key: str
    kind: str
    domain: str
    source: str
    drop: str
    scope: Literal["current", "retained"]
    question: str = ""
    answer: str = ""
    stale: tuple[str, ...] = ()
    answers: dict[str, str | None] = Field(default_factory=dict)
    correct: dict[str, bool | None] = Field(validation_alias=AliasChoices("correct", "right"))
    outdated: dict[str, bool | None] | None = None
    confidence: dict[str, float | None] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _from_line(cls, line: Any) -> Any:
        if isinstance(line, dict) and "answers" not in line:
            return line | {"answers": {model: line[model] for model in MODELS if model in line}}
        return line

    @model_serializer(mode="wrap")
    def _to_line(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = serialize(self)
        answers = fields.pop("answers", {})
        return fields | answers

    @property
    def parent(self) -> str:
        """The model that the candidate is compared with: the champion, or the untrained base before there is one."""
        return "base" if self.correct.get("champion") is None else "champion"


def question_results(
    questions: Sequence[Question],
    answers: Mapping[str, Sequence[str] | None],
    tolerance: float,
    confidences: Mapping[str, Sequence[float | None] | None] | None = None,
) -> tuple[QuestionResult, ...]:
    """The results of all models on each question.

    Args:
        answers: by model an answer to each question; None for a model that does not exist.
        tolerance: how far a number may be off, as a share of the correct one.
        confidences: by model the confidence of each answer.
    """

    def each(number: int, judge: Callable[[Question, str], bool]) -> dict[str, bool | None]:
        given = {model: None if of is None else of[number] for model, of in answers.items()}
        return {model: None if one is None else judge(questions[number], one) for model, one in given.items()}

    return tuple(
        QuestionResult(
            **question.model_dump(include=_OF_QUESTION),
            answers={model: None if of is None else of[number] for model, of in answers.items()},
            correct=each(number, lambda question, answer: is_right(question, answer, tolerance)),
            outdated=each(number, is_stale) if question.stale else None,
            confidence={model: of[number] for model, of in (confidences or {}).items() if of is not None},
        )
        for number, question in enumerate(questions)
    )


def correct_by_model(results: Sequence[QuestionResult], models: Sequence[str]) -> dict[str, list[bool] | None]:
    """By model whether each question was answered correctly; None for a model that does not exist."""
    return {
        model: None
        if any(one.correct.get(model) is None for one in results)
        else [one.correct[model] for one in results]
        for model in models
    }


def parse_answers(text: str, where: str) -> tuple[QuestionResult, ...]:
    """The results in the text of an `answers.jsonl`.

    Args:
        where: how an error names the text.

    Raises:
        AbreastError: a line is damaged.
    """
    return parse_json_lines(text, QuestionResult, where)
