"""Which of several drops that were learned at once hurt: halves of them are learned again, until one is left."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from abreast.core.project import Project
from abreast.ledger import Drop, Ledger, Version
from abreast.ledger.names import version_number
from abreast.lifecycle.snapshots import compose
from abreast.lineage.bisection import QuestionFilter, VersionStep, version_step
from abreast.reports.answers import QuestionResult
from abreast.reports.reports import read_reports
from abreast.storage.workspace import Workspace


def narrow_down(
    project: Project, ledger: Ledger, step: VersionStep, part: QuestionFilter, on_replay: Callable[[str], None]
) -> tuple[Drop, ...]:
    """The one of a step's drops that does most of the harm, or several that do it only together.

    Both halves are learned again, and the one that loses more is halved in turn. Where neither loses at least half as
    much as all of them, those that are left did it together. Each replay costs an update; nothing of it is registered.

    Args:
        part: the questions that are in doubt, as `bisection.question_filter` gives them.
        on_replay: is given a line after each replay.

    Raises:
        AbreastError: a stage refuses, as in an update.
    """
    version = ledger.versions.get(project.params.model.name, version_number(step.version))

    def fall(drops: Sequence[Drop]) -> float:
        again = version_step(ledger, version, list(filter(part, _replayed(project, ledger, version, drops))))
        lost = again.fall if again else 0.0
        on_replay(f"{', '.join(drop.name for drop in drops)} alone: {lost:.1%} lost, of {step.fall:.1%}")
        return lost

    return halved(step.drops, fall, step.fall / 2)


def halved(drops: Sequence[Drop], fall: Callable[[Sequence[Drop]], float], least: float) -> tuple[Drop, ...]:
    """The drops that are left when no half of them loses `least` by itself."""
    while len(drops) > 1:
        middle = len(drops) // 2
        falls = [(fall(half), half) for half in (drops[:middle], drops[middle:])]
        most, worst = max(falls, key=lambda one: one[0])
        if most < least:
            break
        drops = worst
    return tuple(drops)


def _replayed(project: Project, ledger: Ledger, version: Version, drops: Sequence[Drop]) -> tuple[QuestionResult, ...]:
    """What a version would answer that learned only these drops, on the parent and the commit of `version`."""
    update = ledger.updates.get(f"u{version.update:04d}")
    project.home.runs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"bisect-{version.name}-", dir=project.home.runs) as folder:
        workspace = Workspace(project, Path(folder).name)
        workspace.prepare(update.commit, *compose(ledger, project.params.model.name, list(drops), version.parent))
        for stage in workspace.stages():
            workspace.reproduce(stage)
        return read_reports(workspace.clone / "reports").answers
