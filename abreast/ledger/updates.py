"""Updates: who learns which drops, how far it has come, and who may go on after a crash.

What happens to the claimed drops:

- *promoted*: they are in the champion and stay claimed for good;
- *review*: a person decides on the version; they stay claimed meanwhile, and new drops are learned by new updates. An
  approval leads to *promoted*, a rejection to *refused*;
- *refused*: they stay claimed too. They were learned from once and refused; the champion's knowledge base does not
  hold them, and no later update takes them by itself (`retry` lets them wait again);
- *failed*: the next `claim` takes them again, with whatever else waits, the commit and the champion of that moment.
  A drop that has been in `ATTEMPTS` failed updates is left with the last of them until `retry`, so that one drop that
  breaks every update holds up the others for so long and no longer;
- *withdrawn* (`withdrawals.py`): no update takes them; what was learned after them is taken again, with the last
  version that did not know them as the parent;
- *cut off* (killed, host lost, `release`): the very same update, with the same drops, parent and commit, is resumed by
  the next `claim`, up to `RESUMPTIONS` times; then it counts as failed.
"""

import time
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select
from sqlalchemy import update as update_rows

from abreast.core.errors import AbreastError
from abreast.ledger import schema
from abreast.ledger.ancestry import drops_of_update, known_by, lineage_of, next_parent, serving, withdrawn
from abreast.ledger.database import Database, inserted_id
from abreast.ledger.process_id import ProcessId, free
from abreast.ledger.rows import LIVE, Drop, Status, Update, now

ATTEMPTS = 3
RESUMPTIONS = 5
_ENDS = ("promoted", "review", "refused", "failed")
_HELD_BY_NONE = {"holder": None, "lease_until": 0.0}


class Updates:
    """Claims are unique rows on (line, digest); at most one update of a line is live."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, line: str, commit: str, holder: ProcessId, lease_seconds: float) -> Update | None:
        """Take all waiting drops of `line` into a new update, or take over the one that was cut off.

        Args:
            commit: the commit that a new update runs on; a resumed one keeps its own (`Update.commit`).
            holder: the process that will do the work, usually `ProcessId.current()`.
            lease_seconds: it must `renew` within this time, or another may take over.

        Returns:
            The update, or None when nothing waits or another process is at work on this line.
        """
        with self._database.write() as connection:
            live = _live_update(connection, line)
            if live is not None:
                if not free(live.holder, live.lease_until):
                    return None
                if live.attempt <= RESUMPTIONS:
                    return _hand_over(connection, live, holder, lease_seconds)
                reason = f"was cut off {live.attempt} times; see the logs of {live.id}"
                _set(connection, live.number, status="failed", reason=reason, **_HELD_BY_NONE)
            taken = _waiting(connection, line)
            if not taken:
                return None
            return _begin(connection, line, commit, holder, lease_seconds, [drop.digest for drop in taken])

    def renew(self, update: Update, lease_seconds: float) -> Update:
        """Hold `update` for another `lease_seconds` from now.

        Raises:
            AbreastError: another process has taken it over, or it has ended.
        """
        with self._database.write() as connection:
            _checked(connection, update)
            _set(connection, update.number, lease_until=time.time() + lease_seconds)
            return _update(connection, update.number)

    def release(self, update: Update, reason: str) -> None:
        """Give `update` up without an outcome (a server is down, the disk is full): the next `claim` resumes it.

        Does not count as an attempt.
        """
        with self._database.write() as connection:
            _checked(connection, update)
            _set(connection, update.number, reason=reason, **_HELD_BY_NONE)

    def advance(self, update: Update, status: Status, reason: str | None = None, **facts: Any) -> Update:
        """Record that `update` has come to `status`; `facts` (JSON values) are added to its facts.

        The way is claimed, trained, registered, judged, then promoted, review or refused; `failed` is reached from
        anywhere and needs a `reason`. A status that was reached before is not an error and never leads back: a resumed
        update repeats its steps.

        Raises:
            AbreastError: another process has taken the update over, or a status on the way was left out.
        """
        if status == "failed" and not reason:
            raise AbreastError(f"{update.id} cannot fail without a reason")
        with self._database.write() as connection:
            present = _update(connection, update.number)
            if present.status == status and status in _ENDS:
                return present
            _checked(connection, update)
            merged = present.facts | facts
            if _moves(present, status):
                _set(connection, update.number, status=status, **(_HELD_BY_NONE if status in _ENDS else {}))
            _set(connection, update.number, facts=merged, reason=reason or present.reason)
            return _update(connection, update.number)

    def retry(self, update_id: str) -> tuple[str, ...]:
        """Let the drops of a failed, refused or rolled-back update wait again, with their attempts forgotten.

        Returns:
            The digests that wait again.

        Raises:
            AbreastError: there is no such update, it is at work or waits for review, or the champion knows its drops.
        """
        with self._database.write() as connection:
            found = _update(connection, _number(update_id))
            if found.status in LIVE:
                raise AbreastError(f"{found.id} is {found.status}, not ended; there is nothing to retry yet")
            if found.status == "review":
                raise AbreastError(f"{found.id} waits for review; reject its version first (`abreast reject`)")
            if found.status == "promoted" and _serves(connection, found):
                raise AbreastError(f"{found.id} was promoted and the champion knows its drops; roll back first")
            held = (schema.claims.c.line == found.line) & (schema.claims.c["update"] == found.number)
            digests = connection.execute(select(schema.claims.c.digest).where(held)).scalars().all()
            connection.execute(delete(schema.claims).where(held))
            return tuple(sorted(digests))

    def waiting(self, line: str) -> list[Drop]:
        """The accepted drops that the next new update of `line` would take, in the order of acceptance."""
        with self._database.read() as connection:
            return _waiting(connection, line)

    def next_parent(self, line: str) -> int | None:
        """The version that the next update of `line` starts from; None means the base."""
        with self._database.read() as connection:
            return next_parent(connection, line)

    def running(self, line: str) -> Update | None:
        """The update of `line` that a living process works on."""
        live = self.live(line)
        return live if live and not free(live.holder, live.lease_until) else None

    def live(self, line: str) -> Update | None:
        """The update of `line` that has not ended, whether or not its process lives."""
        with self._database.read() as connection:
            return _live_update(connection, line)

    def get(self, update_id: str) -> Update:
        """The update named such as `u0007`."""
        with self._database.read() as connection:
            return _update(connection, _number(update_id))

    def all(self, line: str) -> list[Update]:
        """All updates of `line`, oldest first."""
        query = select(schema.updates.c.number).where(schema.updates.c.line == line).order_by(schema.updates.c.number)
        with self._database.read() as connection:
            return [_update(connection, number) for number in connection.execute(query).scalars()]


def mark_judged(connection: Connection, update: Update, **facts: Any) -> None:
    """Move an update that its holder still holds on to `judged`, whatever step it had reached; raises as `advance`."""
    present = _checked(connection, update)
    _set(connection, update.number, status="judged", facts=present.facts | facts)


def _begin(
    connection: Connection, line: str, commit: str, holder: ProcessId, lease_seconds: float, digests: list[str]
) -> Update:
    """A new update on the `next_parent` of this moment, usually the champion, and its claims."""
    values = {
        "line": line,
        "status": "claimed",
        "commit": commit,
        "parent": next_parent(connection, line),
        "attempt": 1,
        "holder": holder.model_dump(),
        "fence": 1,
        "lease_until": time.time() + lease_seconds,
        "facts": {},
        "created_at": now(),
        "updated_at": now(),
    }
    number = inserted_id(connection.execute(insert(schema.updates).values(**values)))
    for digest in digests:
        _claim_drop(connection, line, digest, number)
    return _update(connection, number)


def _claim_drop(connection: Connection, line: str, digest: str, number: int) -> None:
    mine = (schema.claims.c.line == line) & (schema.claims.c.digest == digest)
    attempts = connection.execute(select(schema.claims.c.attempts).where(mine)).scalar()
    connection.execute(delete(schema.claims).where(mine))
    claim = {"line": line, "digest": digest, "update": number, "attempts": (attempts or 0) + 1}
    connection.execute(insert(schema.claims).values(**claim))
    connection.execute(insert(schema.update_drops).values(update=number, digest=digest))


def _hand_over(connection: Connection, live: Update, holder: ProcessId, lease_seconds: float) -> Update:
    _set(
        connection,
        live.number,
        holder=holder.model_dump(),
        fence=live.fence + 1,
        attempt=live.attempt + (live.holder is not None),
        lease_until=time.time() + lease_seconds,
        reason=None,
    )
    return _update(connection, live.number)


def _waiting(connection: Connection, line: str) -> list[Drop]:
    """Accepted drops without a claim, or whose claim is a failed update's and has attempts left.

    None that is withdrawn, and none that the parent knows.
    """
    held = schema.drops.outerjoin(
        schema.claims, (schema.claims.c.digest == schema.drops.c.digest) & (schema.claims.c.line == line)
    ).outerjoin(schema.updates, schema.updates.c.number == schema.claims.c["update"])
    again = (schema.updates.c.status == "failed") & (schema.claims.c.attempts < ATTEMPTS)
    query = (
        select(schema.drops)
        .select_from(held)
        .where(schema.drops.c.status == "accepted", or_(schema.claims.c.digest.is_(None), again))
        .order_by(schema.drops.c.seq)
    )
    found = [Drop.model_validate(dict(row)) for row in connection.execute(query).mappings()]
    if not found:
        return []
    never = withdrawn(connection, line) | known_by(connection, line, next_parent(connection, line))
    return [drop for drop in found if drop.digest not in never]


def _checked(connection: Connection, update: Update) -> Update:
    """The update as it is now, if `update`'s holder still holds it."""
    present = _update(connection, update.number)
    if present.fence != update.fence or present.holder is None:
        raise AbreastError(
            f"{update.id} was taken over by another process (attempt {present.attempt}); this one must stop"
        )
    if present.status not in LIVE:
        raise AbreastError(f"{update.id} has ended as {present.status}; it cannot go on")
    return present


def _moves(present: Update, status: Status) -> bool:
    """Is `status` the next step (True) or one taken before (False)?"""
    if status == "failed":
        return True
    reached = LIVE.index(present.status)
    wanted = len(LIVE) if status in _ENDS else LIVE.index(status)
    if wanted > reached + 1:
        raise AbreastError(f"{present.id} is {present.status}: it cannot become {status} before {LIVE[reached + 1]}")
    return wanted == reached + 1


def _set(connection: Connection, number: int, **values: Any) -> None:
    changed = update_rows(schema.updates).where(schema.updates.c.number == number).values(updated_at=now(), **values)
    connection.execute(changed)


def _serves(connection: Connection, found: Update) -> bool:
    stack = serving(connection, found.line)
    version = connection.execute(
        select(schema.versions.c.number).where(schema.versions.c["update"] == found.number)
    ).scalar()
    return bool(stack) and version in lineage_of(connection, found.line, stack[-1])


def _live_update(connection: Connection, line: str) -> Update | None:
    query = select(schema.updates.c.number).where(schema.updates.c.line == line, schema.updates.c.status.in_(LIVE))
    number = connection.execute(query).scalar()
    return None if number is None else _update(connection, number)


def _update(connection: Connection, number: int) -> Update:
    found = connection.execute(select(schema.updates).where(schema.updates.c.number == number)).mappings().first()
    if found is None:
        raise AbreastError(f"no update u{number:04d}; `abreast history` lists them")
    return Update.model_validate({**found, "drops": drops_of_update(connection, number)})


def _number(update_id: str) -> int:
    digits = update_id.removeprefix("u")
    if not digits.isdecimal():
        raise AbreastError(f"{update_id!r} names no update; one is named such as u0007")
    return int(digits)
