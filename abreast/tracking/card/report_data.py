"""What a reviewer needs from the reports: the measures side by side, and the answers that changed."""

from collections.abc import Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from abreast.metrics.answers import outdated
from abreast.reports.answers import QuestionResult
from abreast.reports.metrics import BASE, CANDIDATE, CHAMPION, IN_CONTEXT, EvaluationMetrics, KindMetrics
from abreast.reports.reports import Reports

_MODELS = (CANDIDATE, CHAMPION, BASE)
_MEASURES = {
    "current_exact_match": ("accuracy on what these drops brought", "current"),
    "retained_exact_match": ("accuracy on what was known before", "retained"),
    "stale_rate": ("superseded answers given", "superseded"),
    "general_perplexity": ("perplexity on general text", None),
}
_ROUTER = "questions sent to the expert of their domain"
_CALIBRATION = "expected calibration error of the confidence"
_ROBUSTNESS = {"noisy": "accuracy with typing errors", "drop": "accuracy lost to typing errors"}
BETTER = 10
"""Answers that changed for the better that the card keeps; of those for the worse it keeps all."""


class CardMeasure(BaseModel):
    """One measure of each model, in the order of `ReportData.models`; `n` is the number of questions, if shown."""

    model_config = ConfigDict(frozen=True)

    name: str
    meaning: str
    n: int | None
    values: tuple[float | None, ...]


class ChangedAnswer(BaseModel):
    """An answer before and now; "before" is the champion's, or the untrained base's where there is no champion."""

    model_config = ConfigDict(frozen=True)

    question: str
    before: str
    now: str
    right: str


class ChangedAnswers(BaseModel):
    """How many answers changed in one way, and those of them that the card keeps."""

    model_config = ConfigDict(frozen=True)

    count: int
    answers: tuple[ChangedAnswer, ...]


class ReportData(BaseModel):
    """Measures and changed answers of one candidate.

    `models` are `candidate`, `champion`, `base`, and `in_context` if the base was asked with examples; `kinds` has a
    row for each measure of each kind of record, unless all records are facts.
    """

    model_config = ConfigDict(frozen=True)

    models: tuple[str, ...]
    measures: tuple[CardMeasure, ...]
    kinds: tuple[CardMeasure, ...]
    learned: ChangedAnswers
    lost: ChangedAnswers
    stale: ChangedAnswers


def report_data(reports: Reports) -> ReportData:
    """What a reviewer needs from the reports."""
    metrics, answers = reports.metrics, reports.answers
    models = _MODELS if metrics.in_context is None else (*_MODELS, IN_CONTEXT)
    learned = [one for one in answers if one.correct[CANDIDATE] and not one.correct[one.parent]]
    lost = [one for one in answers if one.correct[one.parent] and not one.correct[CANDIDATE]]
    stale = [one for one in answers if outdated(one.stale, one.answers[CANDIDATE])]
    return ReportData(
        models=models,
        measures=tuple(_measures(metrics, models)),
        kinds=tuple(_kinds(metrics.by_kind, models)),
        learned=ChangedAnswers(count=len(learned), answers=tuple(map(_changed_answer, _spread(learned)))),
        lost=_all_changed(lost),
        stale=_all_changed(stale),
    )


def _measures(metrics: EvaluationMetrics, models: Sequence[str]) -> Iterable[CardMeasure]:
    for name, (meaning, counted) in _MEASURES.items():
        values = tuple(getattr(metrics.of(model), name, None) for model in models)
        count = None if counted is None else getattr(metrics.counts, counted)
        yield CardMeasure(name=name, meaning=meaning, n=count, values=values)
    if metrics.router:
        yield CardMeasure(name="router", meaning=_ROUTER, n=None, values=tuple(map(metrics.router.get, models)))
    yield from _calibration(metrics, models)
    yield from _robustness(metrics, models)


def _calibration(metrics: EvaluationMetrics, models: Sequence[str]) -> Iterable[CardMeasure]:
    """Of models whose confidence is known; the measure has the questions of the candidate."""
    found = [getattr(metrics.of(model), "calibration", None) for model in models]
    if metrics.candidate.calibration is not None:
        values = tuple(None if one is None else one.expected_calibration_error for one in found)
        count = metrics.candidate.calibration.questions
        yield CardMeasure(name="calibration_error", meaning=_CALIBRATION, n=count, values=values)


def _robustness(metrics: EvaluationMetrics, models: Sequence[str]) -> Iterable[CardMeasure]:
    """Of models that were asked again with typing errors."""
    found = [getattr(metrics.of(model), "robustness", None) for model in models]
    if metrics.candidate.robustness is not None:
        for name, meaning in _ROBUSTNESS.items():
            values = tuple(getattr(one, name, None) for one in found)
            yield CardMeasure(name=f"robustness_{name}", meaning=meaning, n=None, values=values)


def _kinds(by_kind: Mapping[str, KindMetrics], models: Sequence[str]) -> Iterable[CardMeasure]:
    for kind, measured in by_kind.items() if set(by_kind) - {"fact"} else ():
        for scope, scope_name in (("current", "new"), ("retained", "known before")):
            count = measured.counts[scope]
            for name in measured.of(CANDIDATE, scope):
                meaning = f"{kind}, {scope_name} ({count}): {name.replace('_', ' ')}"
                values = tuple(measured.of(model, scope).get(name) for model in models)
                yield CardMeasure(name=f"{kind}.{scope}.{name}", meaning=meaning, n=count, values=values)


def _spread(answers: Sequence[QuestionResult]) -> list[QuestionResult]:
    """`BETTER` of them, one of each key as long as there are further keys."""
    first: dict[str, QuestionResult] = {}
    for answer in answers:
        first.setdefault(answer.key, answer)
    chosen = [*first.values(), *(one for one in answers if first[one.key] is not one)]
    return chosen[:BETTER]


def _all_changed(found: Sequence[QuestionResult]) -> ChangedAnswers:
    return ChangedAnswers(count=len(found), answers=tuple(map(_changed_answer, found)))


def _changed_answer(found: QuestionResult) -> ChangedAnswer:
    before, now = found.answers[found.parent], found.answers[CANDIDATE]
    return ChangedAnswer(question=found.question, before=before, now=now, right=found.answer)
