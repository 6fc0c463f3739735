"""What the ledger gives out: frozen rows. All times are ISO 8601 in UTC."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from abreast.ledger.process_id import ProcessId
from abreast.storage.dvc_cache import Pointer

DeliveryOutcome = Literal["accepted", "duplicate", "quarantined"]
Status = Literal["claimed", "trained", "registered", "judged", "review", "promoted", "refused", "failed"]
Verdict = Literal["pass", "fail", "inconclusive"]
LIVE: tuple[Status, ...] = ("claimed", "trained", "registered", "judged")


def now() -> str:
    """The present moment, in a form that sorts as text: `2026-11-22T03:13:22.123456Z`."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Row(BaseModel):
    model_config = ConfigDict(frozen=True)


class DeliveryRecord(Row):
    """One delivery in the inbox that intake has dealt with; `fingerprint` tells a changed file from the same one."""

    uri: str
    fingerprint: str
    name: str
    digest: str | None
    outcome: DeliveryOutcome
    at: str


class Drop(Row):
    """A drop by content. `seq` numbers accepted drops in the order of acceptance and is None for a quarantined one."""

    digest: str
    seq: int | None
    status: Literal["accepted", "quarantined"]
    name: str
    uri: str | None
    arrived_at: str
    rows: int
    accepted: int
    quarantined: int
    kinds: dict[str, int]
    pointer: Pointer | None
    reasons: tuple[str, ...]


class Update(Row):
    """One run from claimed drops to a verdict. `fence` grows whenever the update changes hands."""

    number: int
    line: str
    status: Status
    commit: str
    parent: int | None
    drops: tuple[str, ...]
    attempt: int
    holder: ProcessId | None
    fence: int
    lease_until: float
    facts: dict[str, Any]
    reason: str | None
    created_at: str
    updated_at: str

    @property
    def id(self) -> str:
        """The name that people see, such as `u0007`."""
        return f"u{self.number:04d}"


class Version(Row):
    """A registered version, with the pointers from which a later update takes its parent."""

    line: str
    number: int
    update: int
    parent: int | None
    digest: str
    model: Pointer
    knowledge: Pointer
    metrics: dict[str, Any]
    verdict: Verdict | None
    reasons: tuple[str, ...]
    drops: tuple[str, ...]
    created_at: str

    @property
    def name(self) -> str:
        """The name that people see, such as `v3`."""
        return f"v{self.number}"


class Lease(Row):
    """The right to do something that only one may do at a time."""

    name: str
    holder: ProcessId
    fence: int
    until: float


class Promotion(Row):
    """A move of the champion: intended, then done or reverted. `before` is the champion that it replaces."""

    id: int
    line: str
    version: int
    before: int | None
    kind: Literal["promote", "rollback"]
    forced: bool
    state: Literal["intent", "done", "reverted"]
    reason: str
    actor: str
    outcome: str | None
    created_at: str
    settled_at: str | None


class Review(Row):
    """What a person decided on a version, and what came of it.

    `champion` served at the time. `outcome` is None while an approval is still to be carried out; then the version was
    `promoted` or `rejected`, or the approval was `stale` (another version serves than the one it was judged against),
    or the promotion was `reverted`; `detail` says it in a sentence. `shown` once the version's page in MLflow shows it.
    Scripts, and the ledger's column, call `channel` `door`.
    """

    id: int
    line: str
    version: int
    decision: Literal["approve", "reject"]
    reason: str
    reviewer: str
    channel: Literal["command", "mlflow", "prefect"] = Field(alias="door")
    champion: int | None
    outcome: Literal["promoted", "rejected", "stale", "reverted"] | None
    detail: str | None
    shown: bool
    created_at: str
    settled_at: str | None

    @property
    def summary(self) -> str:
        """Who decided what, when, by which channel and why, as people read it."""
        done = {"approve": "approved", "reject": "rejected"}[self.decision]
        channel = {"command": "on the command line", "mlflow": "by a tag in MLflow", "prefect": "by Prefect's form"}
        return f"{done} by {self.reviewer} on {self.created_at[:10]} {channel[self.channel]}: {self.reason}"


class Withdrawal(Row):
    """A drop that must not be learned: marked, and perhaps reinstated (`lifted_at`) later."""

    id: int
    line: str
    digest: str
    reason: str
    actor: str
    created_at: str
    lifted_at: str | None
    lifted_by: str | None
    lifted_reason: str | None
