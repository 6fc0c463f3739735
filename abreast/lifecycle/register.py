"""From a finished clone to a judged version, in MLflow and in the ledger. Idempotent, after a kill at any point."""

import hashlib
from typing import NamedTuple

from abreast.core.crash_points import crash_point
from abreast.knowledge.snapshot import SNAPSHOT
from abreast.learning.model_folder import model_digest
from abreast.ledger import Ledger, Update, Version
from abreast.reports.reports import Reports, read_reports
from abreast.reports.verdict import Verdict
from abreast.storage.workspace import Workspace
from abreast.tracking.card.page import Page
from abreast.tracking.registry import Registry
from abreast.tracking.retention_matrix import BY_DROP, retention_of
from abreast.tracking.run_log import RunFacts


class RegisteredCandidate(NamedTuple):
    """A judged version as the ledger has it, and its card as MLflow has it."""

    version: Version
    card: Page


def register_candidate(
    ledger: Ledger, registry: Registry, update: Update, workspace: Workspace, verdict: Verdict
) -> RegisteredCandidate:
    """Register the candidate of `update` with its measures and its verdict: once in MLflow, then once in the ledger.

    Raises:
        Unavailable: MLflow or the ledger does not answer; call again.
    """
    reports, outputs = read_reports(workspace.clone / "reports"), workspace.outputs()
    facts = _facts(ledger, update, workspace, reports)
    crash_point("register.trained")
    number, card = registry.record_version(facts, verdict)
    crash_point("register.recorded")
    version = ledger.versions.add(
        number,
        update,
        digest=facts.model_digest,
        model=outputs["model"],
        knowledge=outputs["data/knowledge.parquet"],
        metrics=reports.metrics.model_dump() | {BY_DROP: [row.model_dump() for row in reports.by_drop]},
        verdict=verdict.verdict,
        reasons=verdict.reasons,
    )
    crash_point("register.judged")
    return RegisteredCandidate(version, card)


def _facts(ledger: Ledger, update: Update, workspace: Workspace, reports: Reports) -> RunFacts:
    clone = workspace.clone
    ancestors = ledger.versions.ancestors(update.line, update.parent)
    return RunFacts(
        update=update.id,
        commit=update.commit,
        parent=update.parent,
        drops=tuple(drop for digest in update.drops if (drop := ledger.drops.get(digest)) is not None),
        snapshot=hashlib.sha256((clone / SNAPSHOT).read_bytes()).hexdigest(),
        params=workspace.params.model_dump(),
        folder=clone,
        model_digest=model_digest(clone / "model"),
        retention=retention_of(ancestors, reports.by_drop),
    )
