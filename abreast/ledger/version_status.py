"""Where a version stands: whether it waits for review, and if not, why not, and what is to be done instead."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from abreast.core.errors import AbreastError, Unavailable
from abreast.ledger import schema
from abreast.ledger.ancestry import ground, serving
from abreast.ledger.rows import LIVE, Review, Status

_BY_FORCE = "to put it into service all the same, run Prefect's deployment `promote` with `force`"


@dataclass(frozen=True)
class Standing:
    """A version with its update, the champion of this moment, and what the next update would start from."""

    number: int
    verdict: str | None
    reasons: tuple[str, ...]
    parent: int | None
    update: int
    status: Status
    facts: dict[str, Any]
    ended: str | None
    champion: int | None
    ground: int | None

    @property
    def stale(self) -> bool:
        """Whether it was judged against another version than the next update would be."""
        return self.parent != self.ground

    @property
    def name(self) -> str:
        """The name that people see, such as `v3`."""
        return f"v{self.number}"


def champion_name(number: int | None) -> str:
    """A champion as people read it: `v3`, or `no champion`."""
    return "no champion" if number is None else f"v{number}"


def standing_of(connection: Connection, line: str, version: int) -> Standing:
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
    return Standing(
        number=version,
        verdict=found["verdict"],
        reasons=tuple(found["reasons"]),
        parent=found["parent"],
        update=found["number"],
        status=found["status"],
        facts=found["facts"],
        ended=found["reason"],
        champion=served[-1] if served else None,
        ground=ground(connection, line),
    )


def why_not(standing: Standing, decision: str, last: Review | None) -> AbreastError:
    """Why nobody can `approve` or `reject` a version now that does not wait for review.

    Args:
        last: the last review of the version, if there was one.
    """
    name, update = standing.name, f"u{standing.update:04d}"
    if standing.status in LIVE:
        return Unavailable(f"{name} cannot be reviewed yet: its update {update} has not ended ({standing.status})")
    if standing.number == standing.champion:
        if decision == "reject":
            return AbreastError(f"{name} serves; what serves is taken back with `abreast rollback --reason ...`")
        approval = f"; it was {last.said}" if last is not None and last.outcome == "promoted" else ""
        return AbreastError(f"{name} serves already{approval}")
    if standing.status == "promoted":
        return AbreastError(f"{name} has served already and does not wait for review; {_BY_FORCE}")
    if standing.status == "refused" and last is not None:
        return AbreastError(f"{name} waits for review no more, it was {last.said} ({last.outcome}); {_BY_FORCE}")
    if standing.verdict == "fail":
        held_up = "; ".join(standing.facts.get("held_up", standing.reasons))
        instead = f"mend the data or the gate; {_BY_FORCE}" if decision == "approve" else "it is refused already"
        return AbreastError(f"{name} does not wait for review, it failed: {held_up}; {instead}")
    said = f"{update} ended as {standing.status}" + (f" ({standing.ended})" if standing.ended else "")
    return AbreastError(f"{name} does not wait for review: its update {said}; {_BY_FORCE}")
