"""Whether answers are correct or out of date, and the shares of one model."""

from collections.abc import Sequence

from abreast.dataset.examples import Question
from abreast.dataset.number_answer import read_number
from abreast.dataset.span_answer import pair_tags
from abreast.metrics.answers import outdated, same, share

_ROUNDING = 1e-9


def is_right(question: Question, answer: str, tolerance: float = 0.0) -> bool:
    """Whether the current value was given: in words, as exactly the expected spans, or as a number near enough.

    Args:
        tolerance: how far a number may be off, as a share of the correct one (knob `evaluate.tolerance`).
    """
    if question.kind == "regression":
        wanted, given = read_number(question.answer), read_number(answer)
        return given is not None and abs(given - wanted) <= (tolerance + _ROUNDING) * abs(wanted)
    return _gives(question, question.answer, answer)


def is_stale(question: Question, answer: str) -> bool:
    """Whether a superseded value was given."""
    if question.kind in ("regression", "tagging"):
        return any(_gives(question, value, answer) for value in question.stale)
    return outdated(question.stale, answer)


def _gives(question: Question, value: str, answer: str) -> bool:
    """Whether an answer gives this value and no other, in whatever form."""
    if question.kind == "regression":
        return read_number(answer) == read_number(value)
    if question.kind == "tagging":
        wanted, given = pair_tags(question.question, value, answer)
        return wanted == given
    return same(value, answer)


def answer_metrics(
    questions: Sequence[Question], answers: Sequence[str], tolerance: float = 0.0
) -> dict[str, float | None]:
    """The measures on the answers of one model.

    Returns:
        the share of correct answers (`is_right`; for facts, instructions and labels it is exact match) on what this
        snapshot brought (`current_exact_match`), on what was known before (`retained_`) and on both (`known_`);
        `stale_rate`, the share of the questions with superseded values that were answered with one. None where nothing
        was asked.
    """
    pairs = list(zip(questions, answers, strict=True))
    return {
        "current_exact_match": share([is_right(q, a, tolerance) for q, a in pairs if q.scope == "current"]),
        "retained_exact_match": share([is_right(q, a, tolerance) for q, a in pairs if q.scope == "retained"]),
        "known_exact_match": share([is_right(q, a, tolerance) for q, a in pairs]),
        "stale_rate": share([is_stale(q, a) for q, a in pairs if q.stale]),
    }
