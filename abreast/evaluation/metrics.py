"""What is measured on the answers of one model."""

from collections.abc import Sequence

from abreast.knowledge.lesson import Question


def normalised(answer: str) -> str:
    """An answer as it is compared: one case, single spaces, no full stop at the end.

    After the exact match of SQuAD (Rajpurkar et al. 2016, arXiv:1606.05250); articles and other punctuation are kept,
    for they matter in versions, dates and names.
    """
    return " ".join(answer.casefold().split()).removesuffix(".")


def is_exact(question: Question, answer: str) -> bool:
    return normalised(answer) == normalised(question.answer)


def is_stale(question: Question, answer: str) -> bool:
    """Whether a superseded value was given."""
    return normalised(answer) in {normalised(value) for value in question.stale}


def share(hits: Sequence[bool]) -> float | None:
    """The share of hits; None where nothing was asked."""
    return sum(hits) / len(hits) if hits else None


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
