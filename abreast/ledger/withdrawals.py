"""Withdrawn drops: never learned again; a version that has learned one is no parent, and no rollback returns to it.

What follows from a mark is computed whenever it is needed (`ancestry.serving`, `ancestry.next_parent`). So a crash
between the mark and the rollback leaves nothing to undo: the next update starts from a version without the drop.
"""

from typing import Any

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import update as update_rows

from abreast.core.errors import AbreastError
from abreast.ledger import schema
from abreast.ledger.ancestry import drops_of_update, known_by, lineage_of, next_parent, serving, withdrawn
from abreast.ledger.database import Database
from abreast.ledger.leases import check_lease
from abreast.ledger.rows import LIVE, Lease, Status, Withdrawal, now


class Withdrawals:
    """Marks on drops, by line; a mark that was taken away stays on record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, lease: Lease, line: str, digest: str, *, reason: str, actor: str) -> Withdrawal:
        """Mark an accepted drop, and let wait again what was learned since the version to which the line goes back.

        The update that is at work on it, or on top of it, has failed with this, and a version with it that waits for a
        person waits no more. A drop that is marked already keeps its mark.

        Raises:
            AbreastError: the promoter's lease is lost, or the drop was never accepted.
        """
        with self._database.write() as connection:
            check_lease(connection, lease)
            _check_accepted(connection, digest)
            if mark := _mark(connection, line, digest):
                return mark
            row = {"line": line, "digest": digest, "reason": reason, "actor": actor, "created_at": now()}
            connection.execute(insert(schema.withdrawals).values(**row))
            _fail_live(connection, line, digest, reason)
            _end_reviews(connection, line, digest, reason)
            _let_wait(connection, line)
            return _present_mark(connection, line, digest)

    def lift(self, line: str, digest: str, *, reason: str, actor: str) -> Withdrawal:
        """Take the mark away; the drop waits again, unless the champion still has it.

        Raises:
            AbreastError: the drop is not marked.
        """
        marks = schema.withdrawals
        with self._database.write() as connection:
            if (mark := _mark(connection, line, digest)) is None:
                raise AbreastError(f"drop {digest[:12]} is not withdrawn; there is nothing to take back")
            lifted = {"lifted_at": now(), "lifted_by": actor, "lifted_reason": reason}
            connection.execute(update_rows(marks).where(marks.c.id == mark.id).values(**lifted))
            _claim_known(connection, line)
            return Withdrawal.model_validate(
                dict(connection.execute(select(marks).where(marks.c.id == mark.id)).mappings().one())
            )

    def get(self, line: str, digest: str) -> Withdrawal | None:
        """The mark on a drop, if it is withdrawn."""
        with self._database.read() as connection:
            return _mark(connection, line, digest)

    def all(self, line: str) -> list[Withdrawal]:
        """All marks, oldest first, those that were taken away too."""
        marks = schema.withdrawals
        query = select(marks).where(marks.c.line == line).order_by(marks.c.id)
        with self._database.read() as connection:
            return [Withdrawal.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def tainted_by(self, line: str, number: int | None) -> Withdrawal | None:
        """The first mark among the drops that a version knows; None if there is no mark, and for the base."""
        with self._database.read() as connection:
            return _tainted_by(connection, line, number)


def check_untainted(connection: Connection, line: str, number: int) -> None:
    """Raise AbreastError if version `number` knows a withdrawn drop: it must not serve."""
    if (mark := _tainted_by(connection, line, number)) is not None:
        name = connection.execute(select(schema.drops.c.name).where(schema.drops.c.digest == mark.digest)).scalar()
        raise AbreastError(
            f"v{number} has learned {name} ({mark.digest[:12]}), which was withdrawn ({mark.reason}); "
            "`abreast reinstate` takes the mark away"
        )


def _tainted_by(connection: Connection, line: str, number: int | None) -> Withdrawal | None:
    marked = withdrawn(connection, line) & known_by(connection, line, number)
    found = [_present_mark(connection, line, digest) for digest in marked]
    return min(found, key=lambda mark: mark.id, default=None)


def _mark(connection: Connection, line: str, digest: str) -> Withdrawal | None:
    marks = schema.withdrawals
    mine = select(marks).where(marks.c.line == line, marks.c.digest == digest, marks.c.lifted_at.is_(None))
    found = connection.execute(mine).mappings().first()
    return None if found is None else Withdrawal.model_validate(dict(found))


def _present_mark(connection: Connection, line: str, digest: str) -> Withdrawal:
    """The mark on a drop that is withdrawn."""
    mark = _mark(connection, line, digest)
    assert mark is not None
    return mark


def _check_accepted(connection: Connection, digest: str) -> None:
    drops = schema.drops
    found = connection.execute(select(drops.c.name, drops.c.status).where(drops.c.digest == digest)).first()
    if found is None:
        raise AbreastError(f"no drop {digest[:12]}; `abreast history --json` lists the drops of each version")
    if found.status != "accepted":
        raise AbreastError(f"drop {found.name} ({digest[:12]}) is {found.status}: nothing of it was learned")


def _fail_live(connection: Connection, line: str, digest: str, reason: str) -> None:
    """End the live update if it learns the drop, or continues a version that knows it."""
    updates = schema.updates
    query = select(updates.c.number, updates.c.parent).where(updates.c.line == line, updates.c.status.in_(LIVE))
    live = connection.execute(query).first()
    if live is None:
        return
    if digest in {*drops_of_update(connection, live.number), *known_by(connection, line, live.parent)}:
        _end(connection, live.number, "failed", digest, reason)


def _end_reviews(connection: Connection, line: str, digest: str, reason: str) -> None:
    """Refuse the versions that wait for a person and know the drop; what else they learned waits again."""
    updates, claims = schema.updates, schema.claims
    query = select(updates.c.number, updates.c.parent).where(updates.c.line == line, updates.c.status == "review")
    for waiting in connection.execute(query).all():
        if digest in {*drops_of_update(connection, waiting.number), *known_by(connection, line, waiting.parent)}:
            _end(connection, waiting.number, "refused", digest, reason)
            connection.execute(delete(claims).where(claims.c.line == line, claims.c["update"] == waiting.number))


def _end(connection: Connection, update: int, status: Status, digest: str, reason: str) -> None:
    ended: dict[str, Any] = {"status": status, "reason": f"drop {digest[:12]} was withdrawn: {reason}"}
    ended |= {"updated_at": now(), "holder": None, "lease_until": 0.0}
    connection.execute(update_rows(schema.updates).where(schema.updates.c.number == update).values(**ended))


def _let_wait(connection: Connection, line: str) -> None:
    """Give up the claims by which the champion holds the `next_parent` has not learned."""
    claims = schema.claims
    held = (claims.c.line == line) & claims.c["update"].in_(_made_since(connection, line))
    connection.execute(delete(claims).where(held))


def _claim_known(connection: Connection, line: str) -> None:
    """Claim again what the champion knows, for the updates that learned it."""
    claims, known = schema.claims, schema.update_drops
    stack = serving(connection, line)
    made = _updates_of(connection, line, lineage_of(connection, line, stack[-1]) if stack else ())
    held = set(connection.execute(select(claims.c.digest).where(claims.c.line == line)).scalars())
    learned = select(known.c["update"], known.c.digest).where(known.c["update"].in_(made))
    for update, digest in connection.execute(learned):
        if digest not in held:
            connection.execute(insert(claims).values(line=line, digest=digest, update=update, attempts=1))


def _made_since(connection: Connection, line: str) -> list[int]:
    """The updates that made the champion and its ancestors down to the `next_parent`."""
    stack, start = serving(connection, line), next_parent(connection, line)
    chain = lineage_of(connection, line, stack[-1]) if stack else ()
    kept = lineage_of(connection, line, start) if start is not None else ()
    return _updates_of(connection, line, [version for version in chain if version not in kept])


def _updates_of(connection: Connection, line: str, versions: "list[int] | tuple[int, ...]") -> list[int]:
    known = schema.versions
    query = select(known.c["update"]).where(known.c.line == line, known.c.number.in_(versions))
    return list(connection.execute(query).scalars())
