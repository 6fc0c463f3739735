"""From a finished clone to a judged version, in MLflow and in the ledger; said twice, it is done once."""

import hashlib

from abreast.core.crash_points import crash_point
from abreast.knowledge.snapshot import SNAPSHOT
from abreast.learning.model_folder import model_digest
from abreast.ledger import Ledger, Update, Version
from abreast.reports.reports import read_reports
from abreast.reports.verdict import Verdict
from abreast.storage.workspace import Workspace
from abreast.tracking.registry import Registry
from abreast.tracking.retention_matrix import BY_DROP, retention_of
from abreast.tracking.run_log import RunFacts


def register_candidate(
    ledger: Ledger, registry: Registry, update: Update, workspace: Workspace, verdict: Verdict
) -> Version:
    """Register the candidate of `update` with everything that was measured, and write its verdict on it.

    Raises:
        Unavailable: MLflow or the ledger does not answer; call again.
    """
    clone = workspace.clone
    digest, outputs = model_digest(clone / "model"), workspace.outputs()
    ledger.updates.advance(update, "trained", digest=digest)
    crash_point("register.trained")
    reports = read_reports(clone / "reports")
    ancestors = ledger.versions.ancestors(update.line, update.parent)
    facts = RunFacts(
        update=update.id,
        commit=update.commit,
        parent=update.parent,
        drops=tuple(ledger.drops.get(drop) for drop in update.drops),
        snapshot=hashlib.sha256((clone / SNAPSHOT).read_bytes()).hexdigest(),
        params=workspace.params.model_dump(),
        folder=clone,
        model_digest=digest,
        retention=retention_of(ancestors, reports.by_drop),
    )
    number = registry.record_version(facts)
    crash_point("register.recorded")
    ledger.versions.add(
        number,
        update,
        digest=digest,
        model=outputs["model"],
        knowledge=outputs["data/knowledge.parquet"],
        metrics=reports.metrics.model_dump() | {BY_DROP: [row.model_dump() for row in reports.by_drop]},
    )
    crash_point("register.added")
    ledger.updates.advance(update, "registered", version=number)
    crash_point("register.registered")
    registry.set_verdict(number, verdict)
    crash_point("register.described")
    version = ledger.versions.judge(update.line, number, verdict.verdict, verdict.reasons)
    crash_point("register.verdict")
    ledger.updates.advance(update, "judged")
    crash_point("register.judged")
    return version
