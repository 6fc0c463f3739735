"""What became of single pieces of knowledge in one update: changed ones, and those that should not have changed."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from abreast.metrics.answers import outdated, same, share


class Probe(BaseModel):
    """One question, put before and after an update.

    `taught`: on a changed key, in a phrasing that was taught; `rephrased`: on a changed key, in one that was not;
    `untouched`: on a key that the update did not concern.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    about: Literal["taught", "rephrased", "untouched"]
    expected: str
    stale: tuple[str, ...] = ()
    """The superseded values of the key."""
    before: str
    """The answer of the parent, or of the base where there is none."""
    after: str


class EditScores(BaseModel):
    """Shares from 0 to 1; None where nothing was asked of that kind. Answers are compared as by `answers.same`.

    update_success: of the `taught` probes, those answered with the new value; "efficacy" in Meng et al. 2022,
        "Locating and Editing Factual Associations in GPT", arXiv:2202.05262, section 3.
    generalisation: of the `rephrased` probes, those answered with the new value; "paraphrase" there.
    locality: of the `untouched` probes, those answered as before, right or wrong; "retain accuracy" in De Cao et al.
        2021, "Editing Factual Knowledge in Language Models", arXiv:2104.08164.
    stale_rate: of all probes with superseded values, those answered with one; smaller is better.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    update_success: float | None
    generalisation: float | None
    locality: float | None
    stale_rate: float | None


def edit_scores(probes: Sequence[Probe]) -> EditScores:
    """The four figures of one update."""
    return EditScores(
        update_success=share([same(p.expected, p.after) for p in probes if p.about == "taught"]),
        generalisation=share([same(p.expected, p.after) for p in probes if p.about == "rephrased"]),
        locality=share([same(p.before, p.after) for p in probes if p.about == "untouched"]),
        stale_rate=share([outdated(p.stale, p.after) for p in probes if p.stale]),
    )
