"""FUAR: how much was forgotten for each thing that was learned."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict


class Earlier(BaseModel):
    """The scores of the version that learned an earlier drop, and what the present version has kept of that drop.

    All in one unit, higher being better; scores on `updated` and `acquired` are None where there are no such questions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kept_then: float
    """On what that drop taught and no later drop changed, right after it was learned."""
    kept_now: float
    """On the same, after the present drop."""
    updated_then: float | None
    """On what the present drop changes."""
    acquired_then: float | None
    """On what is new in the present drop."""


def fuar(earlier: Sequence[Earlier], updated: float | None, acquired: float | None) -> float | None:
    """Forgotten / (updated + acquired): 1 where as much was forgotten as was gained, 0 where nothing was.

    With Gap the difference of two versions' scores on one set of questions, the sums over the earlier drops i that have
    questions on what stayed true:

        sum max(0, Gap(kept_i, i - now)) / sum (max(0, Gap(updated, now - i)) + max(0, Gap(acquired, now - i)))

    None where nothing was gained (the paper's "no gain"). Smaller is better. Sets of questions count alike, whatever
    their size.
    Source: Jang et al. 2022, "Towards Continual Knowledge Learning of Language Models", arXiv:2110.03215, equation 1.

    Args:
        earlier: one entry for each earlier drop, the base's own knowledge included if there are questions on it.
        updated: the present version's score on what the present drop changed; None where it changed nothing.
        acquired: the same on what is new in it; None where nothing is.
    """
    forgotten = sum(max(0.0, drop.kept_then - drop.kept_now) for drop in earlier)
    gained = sum(_gain(drop.updated_then, updated) + _gain(drop.acquired_then, acquired) for drop in earlier)
    return forgotten / gained if gained > 0 else None


def _gain(then: float | None, now: float | None) -> float:
    return 0.0 if then is None or now is None else max(0.0, now - then)
