"""From the answers of all models to the typed reports."""

from collections.abc import Mapping, Sequence
from typing import Any

from abreast.core.settings import Evaluate
from abreast.dataset.examples import Question
from abreast.evaluation.session import ModelAnswers
from abreast.metrics.answers import share
from abreast.metrics.calibration import calibration
from abreast.metrics.correctness import answer_metrics
from abreast.metrics.robustness import Robustness
from abreast.metrics.task_metrics import count_by_kind, metrics_by_kind
from abreast.reports.answers import correct_by_model, question_results
from abreast.reports.metrics import IN_CONTEXT, MODELS, EvaluationMetrics, KindMetrics, ModelMetrics, QuestionCounts
from abreast.reports.reports import Reports
from abreast.reports.tables import CorrectByModel, rows_by_drop, rows_by_slice
from abreast.reports.texts import text_results


def collect_reports(
    questions: Sequence[Question],
    by_model: Mapping[str, ModelAnswers],
    robustness: Mapping[str, Robustness],
    knobs: Evaluate,
) -> Reports:
    """The measures, results and tables of all models on these questions.

    Args:
        robustness: by model, of those that were asked with typing errors.
    """
    asked, answers = split_answers(questions, by_model, text=False)
    confidences = {model: of.confidences for model, of in by_model.items()}
    results = question_results(asked, answers, knobs.tolerance, confidences)
    correct = correct_by_model(results, MODELS)
    return Reports(
        metrics=_metrics(questions, by_model, robustness, correct, knobs),
        answers=results,
        texts=text_results(*split_answers(questions, by_model, text=True)),
        by_drop=rows_by_drop(asked, correct),
        by_slice=rows_by_slice(asked, correct),
    )


def split_answers(
    questions: Sequence[Question], by_model: Mapping[str, ModelAnswers], text: bool
) -> tuple[list[Question], dict[str, list[Any] | None]]:
    """The raw texts, or else the questions with an answer, and what each model made of them.

    None for a model that does not exist.
    """
    places = [place for place, question in enumerate(questions) if (question.kind == "text") == text]
    answers = {
        model: [by_model[model].answers[place] for place in places] if model in by_model else None for model in MODELS
    }
    return [questions[place] for place in places], answers


def counts_by_scope(questions: Sequence[Question]) -> QuestionCounts:
    """How many questions with an answer there are in each scope; raw text is counted by kind."""
    asked = [question for question in questions if question.kind != "text"]
    current = sum(question.scope == "current" for question in asked)
    superseded = sum(bool(question.stale) for question in asked)
    return QuestionCounts(current=current, retained=len(asked) - current, superseded=superseded)


def _metrics(
    questions: Sequence[Question],
    by_model: Mapping[str, ModelAnswers],
    robustness: Mapping[str, Robustness],
    correct: CorrectByModel,
    knobs: Evaluate,
) -> EvaluationMetrics:
    asked, answers = split_answers(questions, by_model, text=False)
    measured = {
        model: ModelMetrics(
            **answer_metrics(asked, answers[model], knobs.tolerance),
            general_perplexity=of.perplexity,
            examples=knobs.in_context_examples if model == IN_CONTEXT else None,
            calibration=calibration(of.confidences, correct[model]) if of.confidences else None,
            robustness=robustness.get(model),
        )
        for model, of in by_model.items()
    }
    kinds = {model: metrics_by_kind(questions, of.answers, knobs.tolerance) for model, of in by_model.items()}
    by_kind = {
        kind: KindMetrics(counts=counts, **{model: of[kind] for model, of in kinds.items()})
        for kind, counts in count_by_kind(questions).items()
    }
    return EvaluationMetrics(**measured, counts=counts_by_scope(questions), router=_router(by_model), by_kind=by_kind)


def _router(by_model: Mapping[str, ModelAnswers]) -> dict[str, float | None]:
    """By model with experts the share of questions that went to the expert of their domain, where there was one."""
    routed = {model: of.routed for model, of in by_model.items() if of.routed is not None}
    return {model: share([hit for hit in hits if hit is not None]) for model, hits in routed.items()}
