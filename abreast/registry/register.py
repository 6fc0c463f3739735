"""From a finished clone to a judged version, in MLflow and in the ledger; said twice, it is done once."""

import hashlib
import json

from abreast.crash import point
from abreast.evaluation.tables import read_by_drop
from abreast.evaluation.verdict import Verdict
from abreast.knowledge.snapshot import SNAPSHOT
from abreast.learning.folder import model_digest
from abreast.project import Project
from abreast.registry.ledger import Update, Version
from abreast.registry.retention import BY_DROP, retention_of
from abreast.registry.run_log import RunFacts
from abreast.registry.workspace import Workspace


def register(project: Project, update: Update, workspace: Workspace, verdict: Verdict) -> Version:
    """Register the candidate of `update` with everything that was measured, and write its verdict on it.

    Raises:
        Unavailable: MLflow or the ledger does not answer; call again.
    """
    ledger, registry, clone = project.ledger, project.registry, workspace.clone
    digest, outputs = model_digest(clone / "model"), workspace.outputs()
    ledger.advance(update, "trained", digest=digest)
    point("register.trained")
    rows = read_by_drop(clone / "reports")
    ancestors = ledger.ancestors(update.line, update.parent)
    facts = RunFacts(
        update=update.id,
        commit=update.commit,
        parent=update.parent,
        drops=tuple(ledger.drop(drop) for drop in update.drops),
        snapshot=hashlib.sha256((clone / SNAPSHOT).read_bytes()).hexdigest(),
        params=project.params.model_dump(),
        folder=clone,
        model_digest=digest,
        retention=retention_of(ancestors, rows),
    )
    number = registry.record_version(facts)
    point("register.recorded")
    ledger.add_version(
        number,
        update,
        digest=digest,
        model=outputs["model"],
        knowledge=outputs["data/knowledge.parquet"],
        metrics=json.loads((clone / "reports/metrics.json").read_text()) | {BY_DROP: rows},
    )
    point("register.added")
    ledger.advance(update, "registered", version=number)
    point("register.registered")
    registry.set_verdict(number, verdict)
    point("register.described")
    version = ledger.judge_version(update.line, number, verdict.verdict, verdict.reasons)
    point("register.verdict")
    ledger.advance(update, "judged")
    point("register.judged")
    return version
