"""What typing errors in questions cost."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from abreast.core.settings import Evaluate
from abreast.dataset.examples import Question
from abreast.dataset.typos import typed_badly
from abreast.metrics.answers import share
from abreast.metrics.correctness import is_right
from abreast.reports.figures import Figure

if TYPE_CHECKING:
    from abreast.inference.label_predictor import LabelAnswerer
    from abreast.inference.predictor import Answerer

_SEED = 0
"""Models are trained on the errors of seeds below (`train.regularizers: noise`)."""


def accuracy_with_typos(
    answerers: "Mapping[str, Answerer | LabelAnswerer]", questions: Sequence[Question], limits: Evaluate
) -> dict[str, Figure]:
    """The share of right answers of candidate and champion to the questions with the errors of `noise.typed_badly`.

    Of sentences to tag nothing is asked, since spans of other words are no answer to compare. {} at a rate of 0.

    Args:
        answerers: by name; the candidate is there.
    """
    asked = [question for question in questions if question.kind not in ("text", "tagging")]
    if not limits.typo_rate or not asked:
        return {}
    texts = [typed_badly(question.question, limits.typo_rate, _SEED) for question in asked]
    found = {}
    for who in ("candidate", "champion"):
        if who in answerers:
            guesses = [(question.answer, *question.stale) for question in asked]
            said = answerers[who].answer(texts, guesses, kinds=[question.kind for question in asked])
            pairs = zip(asked, said, strict=True)
            found[who] = share([is_right(question, answer, limits.tolerance) for question, answer in pairs])
    return {"accuracy_with_typos": Figure(n=len(asked), **found)}
