"""The review on a version's page in MLflow, and the tags by which people review it there."""

from collections.abc import Sequence

from abreast.tracking.card.head import RULE, fit_lines

ASKED = "abreast.review"
"""A reviewer sets this tag, such as `approve: all ten changed answers are better`."""
ANSWERED = "abreast.review.answer"
"""The answer to it: what came of the review."""
REVIEWED = "abreast.reviewed"
"""Who decided what and why, by which channel."""
ASKING = "abreast.waits"
"""Borne by a version for as long as its page asks for a review."""
WAITING = (
    f"Set the tag `{ASKED}` of this version to `approve: your reason` or `reject: your reason` (or `approve by YOUR"
    " NAME: your reason`); the next sweep takes it.",
    "Or run `abreast approve` or `abreast reject`, or the deployment `promote` in Prefect.",
)

_HEAD = "## Review:"
_LIMIT = 4900  # a little less than `head.LIMIT`, all that MLflow takes


def with_review(description: str, state: str, sentences: Sequence[str]) -> str:
    """The description with the state of the review at its head, in place of an earlier one.

    Args:
        state: such as `waits for you`, or the outcome.
        sentences: a sentence each, the most important one first.
    """
    rest = description.split(RULE, 1)[-1] if description.startswith(_HEAD) else description
    whole = f"{_HEAD} {state}\n\n{chr(10).join(f'- {sentence}' for sentence in sentences)}{RULE}{rest}"
    return fit_lines(whole, _LIMIT)
