"""All models answer block after block of questions, until the gates are settled."""

from collections.abc import Mapping, Sequence

from abreast.core.settings import Params
from abreast.dataset.examples import Question
from abreast.evaluation.early_stopping import ask_until_settled
from abreast.evaluation.session import EvaluatedModels, EvaluationSession, ModelAnswers
from abreast.metrics.task_metrics import TextLikelihood
from abreast.reports.answers import question_results
from abreast.reports.early_stop import EarlyStop
from abreast.reports.metrics import BASE, CANDIDATE, CHAMPION, EvaluationMetrics, ModelMetrics
from abreast.reports.reports import Reports
from abreast.reports.texts import text_results

_JUDGED = (BASE, CHAMPION, CANDIDATE)


def ask_in_blocks(
    session: EvaluationSession, questions: Sequence[Question], models: EvaluatedModels, params: Params
) -> tuple[list[Question], EarlyStop | None]:
    """The questions that were asked, in their order, and why no more; `session` keeps the answers in its cache."""
    asked = [question for question in questions if question.kind != "text"]
    texts = [question for question in questions if question.kind == "text"]

    def ask(some: list[int], pieces: list[int]) -> Reports:
        block, read = [asked[number] for number in some], [texts[number] for number in pieces]
        part = session.with_questions([*block, *read])
        by_model = {name: part.answers_of(models, name) for name in models.names}
        return _block_reports(block, read, by_model, params.evaluate.tolerance)

    planned = _block_reports(asked, texts, {}, 0.0)
    early = params.evaluate.early_stopping
    result = ask_until_settled(planned, params.gates, models.names, early, params.evaluate.batch_size, ask)
    chosen = {asked[number].id for number in result.answers} | {texts[number].id for number in result.texts}
    return [question for question in questions if question.id in chosen], result.stopped


def _block_reports(
    block: Sequence[Question], texts: Sequence[Question], by_model: Mapping[str, ModelAnswers], tolerance: float
) -> Reports:
    """What the gates need; None for a model that was not asked."""
    answers = {name: by_model[name].answers if name in by_model else None for name in _JUDGED}
    measured = {name: ModelMetrics(general_perplexity=of.perplexity) for name, of in by_model.items()}
    return Reports(
        metrics=EvaluationMetrics(**({CANDIDATE: ModelMetrics()} | measured)),
        answers=question_results(block, _first(answers, len(block)), tolerance),
        texts=text_results(texts, _last(answers, len(texts))),
    )


def _first(answers: Mapping[str, list[str | TextLikelihood] | None], count: int) -> dict[str, list[str] | None]:
    return {name: None if of is None else of[:count] for name, of in answers.items()}


def _last(
    answers: Mapping[str, list[str | TextLikelihood] | None], count: int
) -> dict[str, list[TextLikelihood] | None]:
    return {name: None if of is None else of[len(of) - count :] for name, of in answers.items()}
