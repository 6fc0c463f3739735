"""What is measured on the answers of one model."""

from collections.abc import Sequence

from abreast.evaluation.measures.answers import outdated, same, share
from abreast.knowledge.lesson import Question


def is_exact(question: Question, answer: str) -> bool:
    """Whether the present value was given."""
    return same(question.answer, answer)


def is_stale(question: Question, answer: str) -> bool:
    """Whether a superseded value was given."""
    return outdated(question.stale, answer)


def measure(questions: Sequence[Question], answers: Sequence[str], perplexity: float) -> dict[str, float | None]:
    """The figures of one model.

    Returns:
        exact match on what this snapshot brought (`current_`), on what was known before (`retained_`) and on both
        (`known_`); `stale_rate`, the share of the questions with superseded values that were answered with one;
        `general_perplexity`. None where nothing was asked.
    """
    pairs = list(zip(questions, answers, strict=True))
    return {
        "current_exact_match": share([is_exact(q, a) for q, a in pairs if q.scope == "current"]),
        "retained_exact_match": share([is_exact(q, a) for q, a in pairs if q.scope == "retained"]),
        "known_exact_match": share([is_exact(q, a) for q, a in pairs]),
        "stale_rate": share([is_stale(q, a) for q, a in pairs if q.stale]),
        "general_perplexity": perplexity,
    }
