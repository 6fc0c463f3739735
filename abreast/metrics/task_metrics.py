"""The measures of one model for each kind of record, as each field defines them."""

from collections.abc import Sequence
from typing import NamedTuple

from abreast.dataset.examples import Question
from abreast.dataset.number_answer import read_number
from abreast.dataset.span_answer import pair_tags
from abreast.metrics.answers import normalised, share
from abreast.metrics.correctness import is_right
from abreast.metrics.labels import accuracy, macro_f1
from abreast.metrics.likelihood import perplexity
from abreast.metrics.numbers import mean_absolute_error, spearman
from abreast.metrics.spans import span_f1

MeasureValues = dict[str, float | None]

_SCOPES = ("current", "retained", "known")


class TextLikelihood(NamedTuple):
    """The mean natural log-likelihood of a token of a piece of raw text, and how many tokens it has."""

    mean: float
    tokens: int


def metrics_by_kind(
    questions: Sequence[Question], answers: Sequence[str | TextLikelihood], tolerance: float
) -> dict[str, dict[str, MeasureValues]]:
    """The measures by kind and by scope: `current`, `retained`, and `known`, which is both; only what was asked.

    Args:
        answers: one for each question; of raw text its likelihood.
    """
    found: dict[str, dict[str, MeasureValues]] = {}
    for kind in sorted({question.kind for question in questions}):
        pairs = [(q, a) for q, a in zip(questions, answers, strict=True) if q.kind == kind]
        scopes = {scope: [p for p in pairs if scope in (p[0].scope, "known")] for scope in _SCOPES}
        found[kind] = {scope: _scores(kind, held, tolerance) for scope, held in scopes.items() if held}
    return found


def count_by_kind(questions: Sequence[Question]) -> dict[str, dict[str, int]]:
    """By kind, the number of questions, or of pieces of raw text, in each scope."""
    return {
        kind: {scope: sum(q.kind == kind and scope in (q.scope, "known") for q in questions) for scope in _SCOPES}
        for kind in sorted({question.kind for question in questions})
    }


def _scores(kind: str, pairs: list[tuple[Question, str | TextLikelihood]], tolerance: float) -> MeasureValues:
    if kind == "text":
        return {"perplexity": perplexity([a.mean for _, a in pairs], [a.tokens for _, a in pairs])}
    right = share([is_right(question, answer, tolerance) for question, answer in pairs])
    match kind:
        case "classification":
            return _labels(pairs)
        case "tagging":
            wanted, given = zip(*(pair_tags(q.question, q.answer, a) for q, a in pairs), strict=True)
            return {"all_spans_right": right, "span_f1": span_f1(wanted, given)}
        case "regression":
            return {"within_tolerance": right, **_numbers(pairs)}
        case _:
            return {"exact_match": right}


def _labels(pairs: list[tuple[Question, str]]) -> MeasureValues:
    """An answer that is none of the expected labels is wrong, and has no F1 of its own in the mean."""
    wanted, given = [normalised(q.answer) for q, _ in pairs], [normalised(answer) for _, answer in pairs]
    return {"accuracy": accuracy(wanted, given), "macro_f1": macro_f1(wanted, given, sorted(set(wanted)))}


def _numbers(pairs: list[tuple[Question, str]]) -> MeasureValues:
    """The errors of the answers that are numbers; `readable` is the share of such answers."""
    numbers = [(read_number(q.answer), given) for q, a in pairs if (given := read_number(a)) is not None]
    wanted, given = [number for number, _ in numbers], [number for _, number in numbers]
    return {
        "mae": mean_absolute_error(wanted, given),
        "spearman": spearman(wanted, given),
        "readable": len(numbers) / len(pairs),
    }
