"""All models are asked block after block, until the gates are settled."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from abreast.core.settings import Params
from abreast.dataset.examples import Question
from abreast.evaluation.early import ask_until_settled
from abreast.evaluation.session import Asked, EvaluationSession, ModelAnswers
from abreast.metrics.task_metrics import TextLikelihood
from abreast.reports.answers import QuestionResult, Reports, TextResult, question_results, text_results
from abreast.reports.early_stop import EarlyStop

_MODELS = ("base", "champion", "candidate")


def ask_in_blocks(
    session: EvaluationSession,
    questions: Sequence[Question],
    answerers: Mapping[str, Asked],
    folders: Mapping[str, Path | None],
    params: Params,
) -> tuple[list[Question], EarlyStop | None]:
    """The questions that were asked, in their order, and why no more; what was answered `session` remembers.

    Args:
        answerers, folders: by the name of each model.
    """
    spoken = [question for question in questions if question.kind != "text"]
    texts = [question for question in questions if question.kind == "text"]

    def ask(some: list[int], pieces: list[int]) -> Reports:
        block, read = [spoken[number] for number in some], [texts[number] for number in pieces]
        heard = {who: session.on([*block, *read]).ask(answerers[who], folders[who]) for who in folders}
        return _outcomes(block, read, heard, params.evaluate.tolerance)

    planned = _outcomes(spoken, texts, {}, 0.0)
    early = params.evaluate.early_stopping
    asked = ask_until_settled(planned, params.gates, tuple(folders), early, params.evaluate.batch_size, ask)
    held = {spoken[number].id for number in asked.answers} | {texts[number].id for number in asked.texts}
    return [question for question in questions if question.id in held], asked.stopped


def _outcomes(
    block: Sequence[Question], texts: Sequence[Question], heard: Mapping[str, ModelAnswers], tolerance: float
) -> Reports:
    """What the gates look at; of a model that was not asked None."""
    said = {who: heard[who].said if who in heard else None for who in _MODELS}
    answers: tuple[QuestionResult, ...] = question_results(block, _first(said, len(block)), tolerance)
    read: tuple[TextResult, ...] = text_results(texts, _last(said, len(texts)))
    metrics = {who: {"general_perplexity": heard[who].perplexity} if who in heard else None for who in _MODELS}
    return Reports(metrics, answers, read)


def _first(said: Mapping[str, list[str | TextLikelihood] | None], count: int) -> dict[str, list[str] | None]:
    return {who: None if answers is None else answers[:count] for who, answers in said.items()}


def _last(said: Mapping[str, list[str | TextLikelihood] | None], count: int) -> dict[str, list[TextLikelihood] | None]:
    return {who: None if answers is None else answers[len(answers) - count :] for who, answers in said.items()}
