"""The shares of correct answers by drop and by slice: reports/retention.csv and reports/slices.csv."""

from collections.abc import Callable, Mapping, Sequence

from abreast.dataset.examples import Question
from abreast.metrics.answers import share
from abreast.metrics.language import language
from abreast.metrics.slices import score_slices
from abreast.reports.metrics import ReportModel

BY_DROP, BY_SLICE = "retention.csv", "slices.csv"
COMPARED = ("base", "champion", "candidate")
"""The models of a retention matrix."""
CorrectByModel = Mapping[str, Sequence[bool] | None]
"""For each model whether each question was answered correctly; None for a model that does not exist."""

SLICE_NAMES: dict[str, Callable[[Question], str]] = {
    "kind": lambda question: question.kind,
    "domain": lambda question: question.domain,
    "source": lambda question: question.source,
    "language": lambda question: language(f"{question.question} {question.answer}"),
}


class ShareRow(ReportModel):
    """The share of correct answers of each model on one part of the questions, and how many they are."""

    name: str
    questions: int = 0
    base: float | None = None
    in_context: float | None = None
    champion: float | None = None
    candidate: float | None = None


class DropRow(ShareRow):
    """The shares on one drop; `drop` is its digest."""

    drop: str

    @property
    def shares(self) -> dict[str, float | None]:
        """Those of base, champion and candidate."""
        return {model: getattr(self, model) for model in COMPARED}


class SliceRow(ShareRow):
    """The shares on one slice, such as `by` domain the one with the name `cards`."""

    by: str


def rows_by_drop(questions: Sequence[Question], correct: CorrectByModel) -> tuple[DropRow, ...]:
    """A row for each drop, in order of arrival."""
    rows = []
    for _, drop, name in sorted({(q.arrived_at, q.drop, q.drop_name) for q in questions}):
        numbers = [number for number, question in enumerate(questions) if question.drop == drop]
        shares = {who: share([hits[n] for n in numbers]) if hits else None for who, hits in correct.items()}
        rows.append(DropRow(drop=drop, name=name, questions=len(numbers), **shares))
    return tuple(rows)


def rows_by_slice(questions: Sequence[Question], correct: CorrectByModel) -> tuple[SliceRow, ...]:
    """A row for each kind, domain, source and language."""
    rows = []
    for by, name_of in SLICE_NAMES.items():
        names = [name_of(question) for question in questions]
        scored = {who: score_slices(share, names, hits) if hits else None for who, hits in correct.items()}
        for number, (name, count, _) in enumerate(score_slices(len, names, names)):
            shares = {who: held[number].score if held else None for who, held in scored.items()}
            rows.append(SliceRow(by=by, name=name, questions=count, **shares))
    return tuple(rows)
