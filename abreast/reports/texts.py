"""How well each model predicted each piece of raw text: reports/texts.jsonl."""

from collections.abc import Mapping, Sequence
from typing import Literal

from abreast.dataset.examples import Question
from abreast.metrics.task_metrics import TextLikelihood
from abreast.reports.metrics import ReportModel

TEXTS = "texts.jsonl"
_OF_QUESTION = {"id", "key", "kind", "domain", "source", "drop", "scope"}


class TextResult(ReportModel):
    """One piece of raw text, its tokens, and by model the mean natural log-likelihood of one of its tokens."""

    id: str = ""
    key: str
    kind: str = "text"
    domain: str = ""
    source: str = ""
    drop: str = ""
    scope: Literal["current", "retained"]
    tokens: int
    means: dict[str, float | None]


def text_results(
    texts: Sequence[Question], likelihoods: Mapping[str, Sequence[TextLikelihood] | None]
) -> tuple[TextResult, ...]:
    """The results of all models on each piece of raw text.

    Args:
        likelihoods: by model that of each piece; None for a model that does not exist.
    """
    found = []
    for number, text in enumerate(texts):
        pieces = {model: None if of is None else of[number] for model, of in likelihoods.items()}
        tokens = next((piece.tokens for piece in pieces.values() if piece is not None), 0)
        means = {model: None if piece is None else piece.mean for model, piece in pieces.items()}
        found.append(TextResult(**text.model_dump(include=_OF_QUESTION), tokens=tokens, means=means))
    return tuple(found)
