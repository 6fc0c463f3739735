"""Where a version stands: whether it waits for review, and if not, why not, and what is to be done instead."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from abreast.core.errors import AbreastError, Unavailable
from abreast.ledger import schema
from abreast.ledger.ancestry import next_parent, serving
from abreast.ledger.rows import LIVE, Review, Status

_BY_FORCE = "to put it into service all the same, run Prefect's deployment `promote` with `force`"


@dataclass(frozen=True)
class VersionStatus:
    """A version with its update, the champion of this moment, and what the next update would start from."""

    number: int
    verdict: str | None
    reasons: tuple[str, ...]
    parent: int | None
    update: int
    update_status: Status
    facts: dict[str, Any]
    update_reason: str | None
    champion: int | None
    next_parent: int | None

    @property
    def stale(self) -> bool:
        """Whether it was judged against another version than the next update would be."""
        return self.parent != self.next_parent

    @property
    def name(self) -> str:
        """The name that people see, such as `v3`."""
        return f"v{self.number}"


def champion_name(number: int | None) -> str:
    """A champion as people read it: `v3`, or `no champion`."""
    return "no champion" if number is None else f"v{number}"


def version_status(connection: Connection, line: str, version: int) -> VersionStatus:
    """Raises AbreastError if there is no such version."""
    of_version = (schema.versions.c.verdict, schema.versions.c.reasons)
    query = (
        select(*of_version, schema.updates)
        .join(schema.updates, schema.updates.c.number == schema.versions.c["update"])
        .where(schema.versions.c.line == line, schema.versions.c.number == version)
    )
    found = connection.execute(query).mappings().first()
    if found is None:
        raise AbreastError(f"no version v{version} of {line}; `abreast history` lists them")
    served = serving(connection, line)
    return VersionStatus(
        number=version,
        verdict=found["verdict"],
        reasons=tuple(found["reasons"]),
        parent=found["parent"],
        update=found["number"],
        update_status=found["status"],
        facts=found["facts"],
        update_reason=found["reason"],
        champion=served[-1] if served else None,
        next_parent=next_parent(connection, line),
    )


def why_not(status: VersionStatus, decision: str, last: Review | None) -> AbreastError:
    """Why nobody can `approve` or `reject` a version now that does not wait for review.

    Args:
        last: the last review of the version, if there was one.
    """
    name, update = status.name, f"u{status.update:04d}"
    if status.update_status in LIVE:
        return Unavailable(f"{name} cannot be reviewed yet: its update {update} has not ended ({status.update_status})")
    if status.number == status.champion:
        if decision == "reject":
            return AbreastError(f"{name} serves; what serves is taken back with `abreast rollback --reason ...`")
        approval = f"; it was {last.summary}" if last is not None and last.outcome == "promoted" else ""
        return AbreastError(f"{name} serves already{approval}")
    if status.update_status == "promoted":
        return AbreastError(f"{name} has served already and does not wait for review; {_BY_FORCE}")
    if status.update_status == "refused" and last is not None:
        return AbreastError(f"{name} waits for review no more, it was {last.summary} ({last.outcome}); {_BY_FORCE}")
    if status.verdict == "fail":
        held_up = "; ".join(status.facts.get("held_up", status.reasons))
        instead = f"fix the data or the gate; {_BY_FORCE}" if decision == "approve" else "it is refused already"
        return AbreastError(f"{name} does not wait for review, it failed: {held_up}; {instead}")
    end = f"{update} ended as {status.update_status}" + (f" ({status.update_reason})" if status.update_reason else "")
    return AbreastError(f"{name} does not wait for review: its update {end}; {_BY_FORCE}")
