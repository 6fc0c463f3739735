"""Taking a delivery in: fetched, examined, stored, and written into the ledger, in an order that a kill cannot hurt.

The store comes before the ledger and the delivery is recorded last: whatever is cut off is simply done again, and every
step finds its own work done.
"""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from abreast.contract.examine_delivery import ExaminationResult, examine_delivery, write_quarantine
from abreast.core.crash_points import crash_point
from abreast.core.project import Project
from abreast.inbox.delivery import Delivery, Inbox
from abreast.ledger import Ledger, Version, Withdrawal
from abreast.storage.drop_store import Store

Facts = tuple[Mapping[str, str | None], Mapping[str, Mapping[str, str]]]
"""By key, the present value of each fact (None: withdrawn), and its former values with the day on which each ended."""


class IntakeResult(BaseModel):
    """What became of one delivery; `reasons` are lines for people, with file, row and field where they apply."""

    model_config = ConfigDict(frozen=True)

    name: str
    uri: str
    outcome: str
    digest: str | None = None
    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    reasons: tuple[str, ...] = ()


def arrivals(ledger: Ledger, inbox: Inbox) -> list[Delivery]:
    """The complete deliveries in the inbox that no intake has dealt with yet."""
    seen = ledger.deliveries.all_seen()
    return [d for d in inbox.complete() if (d.uri, d.fingerprint) not in seen]


def take(project: Project, ledger: Ledger, inbox: Inbox, delivery: Delivery) -> IntakeResult:
    """Examine one delivery and keep it as an accepted drop, or in quarantine.

    Done again after a kill at any point, it comes to the same end; the same content is accepted once, however named.
    """
    with tempfile.TemporaryDirectory(prefix="abreast-intake-") as folder:
        files = inbox.fetch(delivery, Path(folder))
        crash_point("intake.fetched")
        known, former = known_facts(project, ledger)
        examined = examine_delivery(files, delivery.name, known, project.params, project.home, project.root, former)
    crash_point("intake.examined")
    settle = {"accepted": _accept, "quarantined": _quarantine}[examined.verdict]
    outcome = settle(project, ledger, delivery, examined)
    crash_point("intake.settled")
    withdrawn = ledger.withdrawals.get(project.params.model.name, examined.digest)
    ledger.deliveries.record(delivery.uri, delivery.fingerprint, examined.digest, outcome, delivery.name)
    crash_point("intake.delivered")
    return IntakeResult(
        name=delivery.name,
        uri=delivery.uri,
        outcome=outcome,
        digest=examined.digest,
        rows=examined.rows,
        accepted=len(examined.records) if outcome == "accepted" else 0,
        quarantined=len(examined.quarantined),
        reasons=(*examined.reasons, *map(str, examined.quarantined), *([_refused(withdrawn)] if withdrawn else [])),
    )


def known_facts(project: Project, ledger: Ledger) -> Facts:
    """The facts that the next update starts from; none before the first version."""
    line = project.params.model.name
    parent = ledger.updates.next_parent(line)
    if parent is None:
        return {}, {}
    version = ledger.versions.get(line, parent)
    return _facts_of(knowledge_file(project, version), version.knowledge.md5)


@lru_cache(maxsize=2)
def _facts_of(path: Path, md5: str) -> Facts:
    """Read once a version, whatever number of deliveries is compared with it: `md5` is that of the file's content."""
    from abreast.knowledge import knowledge_base

    base = knowledge_base.read_base(path)
    return knowledge_base.known_values(base), knowledge_base.ended_values(base)


def _refused(mark: Withdrawal) -> str:
    """Why a drop that was taken in before is not learned again."""
    return (
        f"withdrawn on {mark.created_at[:10]} by {mark.actor} ({mark.reason}): not learned again; "
        f"`abreast reinstate {mark.digest[:12]}` takes the mark away"
    )


def knowledge_file(project: Project, version: Version) -> Path:
    """The file of the knowledge base that a version was trained on; raises as `Store.fetch` does."""
    return store_of(project).fetch(f"known/{version.knowledge.md5}.parquet", version.knowledge)


def store_of(project: Project) -> Store:
    """The store of accepted drops of a project."""
    return Store(project.home, project.params.storage, project.root)


def _accept(project: Project, ledger: Ledger, delivery: Delivery, examined: ExaminationResult) -> str:
    known = ledger.drops.get(examined.digest)
    if known and known.status == "accepted":
        return "duplicate"
    store = store_of(project)
    arrived = datetime.now(UTC).isoformat()
    pointer = store.put(examined.info(delivery.name, arrived), examined.records)
    crash_point("intake.stored")
    accepted = ledger.drops.accept(store.info(examined.digest), pointer, delivery.name, delivery.uri)
    return "accepted" if accepted else "duplicate"


def _quarantine(project: Project, ledger: Ledger, delivery: Delivery, examined: ExaminationResult) -> str:
    write_quarantine(project.home, examined)
    crash_point("intake.quarantined")
    reasons = [*examined.reasons, *map(str, examined.quarantined)]
    ledger.drops.quarantine(examined.digest, delivery.name, examined.rows, reasons, delivery.uri)
    return "quarantined"
