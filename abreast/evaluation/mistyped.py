"""What typing errors in questions cost."""

from collections.abc import Mapping, Sequence

from abreast.core.settings import Evaluate
from abreast.dataset.examples import Question
from abreast.dataset.typos import with_typos
from abreast.evaluation.session import EvaluatedModels
from abreast.metrics.answers import share
from abreast.metrics.correctness import is_right
from abreast.metrics.robustness import Robustness
from abreast.reports.figures import Figure
from abreast.reports.metrics import CANDIDATE, CHAMPION

_SEED = 0
"""Training uses the errors of seeds below 0 (`train.regularizers: noise`)."""
_NO_ANSWER = ("text", "tagging")
"""Kinds that are not asked again: raw text has no answer, and the spans of changed words cannot be compared."""


def robustness_by_model(
    models: EvaluatedModels,
    questions: Sequence[Question],
    answers: Mapping[str, Sequence[str] | None],
    knobs: Evaluate,
) -> dict[str, Robustness]:
    """The share of correct answers of candidate and champion, without and with the errors of `typos.with_typos`.

    {} where `evaluate.typo_rate` is 0, or no question can be asked again.

    Args:
        answers: by model what it answered to the questions as they are.
    """
    places = [place for place, question in enumerate(questions) if question.kind not in _NO_ANSWER]
    if not knobs.typo_rate or not places:
        return {}
    asked = [questions[place] for place in places]
    texts = [with_typos(question.question, knobs.typo_rate, _SEED) for question in asked]
    guesses, kinds = [(q.answer, *q.stale) for q in asked], [q.kind for q in asked]
    found = {}
    for name in (CANDIDATE, CHAMPION):
        if name in models.predictors:
            noisy = models.predictors[name].answer(texts, guesses, kinds=kinds)
            clean = [answers[name][place] for place in places]
            clean, noisy = (_share_correct(asked, given, knobs.tolerance) for given in (clean, noisy))
            found[name] = Robustness(clean=clean, noisy=noisy)
    return found


def mistyped_figure(questions: Sequence[Question], robustness: Mapping[str, Robustness]) -> dict[str, Figure]:
    """The measure `accuracy_with_typos` for the gates: the shares with typing errors; {} where they were not asked."""
    if not robustness:
        return {}
    asked = sum(question.kind not in _NO_ANSWER for question in questions)
    return {"accuracy_with_typos": Figure(n=asked, **{name: of.noisy for name, of in robustness.items()})}


def _share_correct(questions: Sequence[Question], answers: Sequence[str], tolerance: float) -> float | None:
    return share([is_right(*pair, tolerance) for pair in zip(questions, answers, strict=True)])
