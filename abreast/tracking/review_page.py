"""What a version's page in MLflow tells of its review, and the tags through which people review it there."""

from collections.abc import Sequence

from abreast.tracking.card.head import RULE, fit_lines

ASKED = "abreast.review"
"""A reviewer sets this tag, such as `approve: all ten changed answers are better`."""
ANSWERED = "abreast.review.answer"
"""What came of it is said in this one."""
REVIEWED = "abreast.reviewed"
"""Who decided what and why, by whichever door."""
ASKING = "abreast.waits"
"""Borne by a version for as long as its page asks for a review."""
WAITING = (
    f"Set the tag `{ASKED}` of this version to `approve: your reason` or `reject: your reason` (or `approve by YOUR"
    " NAME: your reason`); the next sweep takes it.",
    "Or run `abreast approve` or `abreast reject`, or the deployment `promote` in Prefect.",
)

_HEAD = "## Review:"
_LIMIT = 4900  # a little less than `head.LIMIT`, all that MLflow takes


def with_review(description: str, state: str, said: Sequence[str]) -> str:
    """The description with the state of the review at its head, in place of an earlier one.

    Args:
        state: such as `waits for you`, or the outcome.
        said: a sentence each, the most important one first.
    """
    rest = description.split(RULE, 1)[-1] if description.startswith(_HEAD) else description
    whole = f"{_HEAD} {state}\n\n{chr(10).join(f'- {sentence}' for sentence in said)}{RULE}{rest}"
    return fit_lines(whole, _LIMIT)
