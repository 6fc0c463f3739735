"""Which drop hurt: from what each version and its parent answered to the same questions when the version was made.

Each version was asked, beside what it brought, what was known before and still holds, and so was its parent. Where the
version answers fewer of these than its parent, what it learned has done harm: no model is run again to find that out.
Only of several drops that were learned at once it takes replays (`replays.py`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from abreast.core.errors import AbreastError
from abreast.ledger import Drop, Ledger, Version
from abreast.ledger.names import find_drop
from abreast.lineage.answers import answers_of
from abreast.metrics.language import language
from abreast.reports.answers import QuestionResult
from abreast.reports.metrics import CANDIDATE, CHAMPION
from abreast.statistics.mcnemar import mcnemar
from abreast.tracking.registry import Registry

BY: dict[str, Callable[[QuestionResult], str]] = {
    "kind": lambda asked: asked.kind,
    "domain": lambda asked: asked.domain,
    "source": lambda asked: asked.source,
    "language": lambda asked: language(f"{asked.question} {asked.answer}"),
}
SHOWN = 5
QuestionFilter = Callable[[QuestionResult], bool]


class VersionStep(BaseModel):
    """What one version did to the part in question: its parent's accuracy before, its own after.

    The parent alone answered `lost` of them correctly, the version alone `won`; `chance` is McNemar's exact p-value,
    how probable so many lost questions are if both are equally good. `examples` are some of the lost ones.
    """

    model_config = ConfigDict(frozen=True)

    version: str
    drops: tuple[Drop, ...]
    questions: int
    before: float
    after: float
    lost: int
    won: int
    chance: float
    examples: tuple[QuestionResult, ...]

    @property
    def fall(self) -> float:
        """The accuracy that was lost."""
        return self.before - self.after

    def fields(self) -> dict[str, Any]:
        """For scripts."""
        drops = [{"name": drop.name, "digest": drop.digest} for drop in self.drops]
        examples = [
            {"key": one.key, "question": one.question, "answer": one.answer}
            | {"said_before": one.answers.get(CHAMPION), "said": one.answers[CANDIDATE]}
            for one in self.examples
        ]
        return self.model_dump(exclude={"drops", "examples"}) | {"drops": drops, "examples": examples}


def question_filter(
    ledger: Ledger, slice_: str | None, drop: str | None, key: str | None
) -> tuple[str, QuestionFilter]:
    """What is asked about, in words and as a test of a question; exactly one of the three must be given.

    Args:
        slice_: such as `domain=Python`, by one of `BY`.
        drop: a name or a digest: what that drop brought.
        key: of one fact.

    Raises:
        AbreastError: none or several are given, or the one is of another form.
    """
    given = [name for name, value in {"--slice": slice_, "--drop": drop, "--key": key}.items() if value is not None]
    if len(given) != 1:
        raise AbreastError(f"give one of --slice, --drop and --key, not {' and '.join(given) or 'none'}")
    if key is not None:
        return f"key {key}", lambda asked: asked.key == key
    if drop is not None:
        found = find_drop(ledger, drop)
        return f"drop {found.name} ({found.digest[:12]})", lambda asked: asked.drop == found.digest
    by, sign, name = slice_.partition("=")
    if by not in BY or not sign:
        raise AbreastError(f"--slice {slice_!r}: must be one of {', '.join(BY)}, then = and a name: domain=Python")
    return slice_, lambda asked: BY[by](asked) == name


def version_steps(
    ledger: Ledger, registry: Registry, part: QuestionFilter, version: int | None = None
) -> list[VersionStep]:
    """What each ancestor of `version` (the champion) and itself did to `part`, oldest first; those that asked of it.

    Raises:
        AbreastError: there is no such version, or no version was asked anything of the part.
        Unavailable: MLflow does not answer.
    """
    line = registry.name
    last = ledger.promotions.champion(line) if version is None else ledger.versions.get(line, version).number
    if last is None:
        raise AbreastError(f"{line} has no champion yet: there is nothing to look through")
    found, asked = [], 0
    for one in ledger.versions.ancestors(line, last):
        answers = list(filter(part, answers_of(registry, one.number)))
        asked += len(answers)
        if (step := version_step(ledger, one, answers)) is not None:
            found.append(step)
    if not asked:
        raise AbreastError(f"no version up to v{last} was asked anything of it; `abreast lineage v{last}` shows drops")
    return found


def worst_version_step(found: Sequence[VersionStep]) -> VersionStep | None:
    """The step that lost the largest share, the first of equal ones; None if none lost more than it won."""
    hurting = [step for step in found if step.lost > step.won]
    return max(hurting, key=lambda step: step.fall, default=None)


def version_step(ledger: Ledger, version: Version, answers: Sequence[QuestionResult]) -> VersionStep | None:
    """The step of one version, or None if nothing of the part was asked that was known before."""
    both = [one for one in answers if one.scope == "retained" and one.correct.get(CHAMPION) is not None]
    if not both:
        return None
    lost = [one for one in both if one.correct[CHAMPION] and not one.correct[CANDIDATE]]
    won = sum(one.correct[CANDIDATE] and not one.correct[CHAMPION] for one in both)
    return VersionStep(
        version=version.name,
        drops=tuple(ledger.drops.get(digest) for digest in version.drops),
        questions=len(both),
        before=sum(bool(one.correct[CHAMPION]) for one in both) / len(both),
        after=sum(bool(one.correct[CANDIDATE]) for one in both) / len(both),
        lost=len(lost),
        won=won,
        chance=float(mcnemar(len(lost), won)),
        examples=tuple(lost[:SHOWN]),
    )
