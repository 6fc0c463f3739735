"""The promotion log: which version serves, which served before, who moved it and why.

A promotion is one row: `intent` before anything is moved, then `done` or `reverted`. One intent a line may be open.
"""

from typing import Literal

from sqlalchemy import Connection, insert, select, update

from abreast.core.errors import AbreastError
from abreast.ledger import schema
from abreast.ledger.ancestry import next_parent, serving
from abreast.ledger.database import Database, inserted_id
from abreast.ledger.leases import check_lease
from abreast.ledger.rows import Lease, Promotion, now
from abreast.ledger.withdrawals import check_untainted

_BEFORE = ("registered", "judged", "review", "refused")


class Promotions:
    """Only the promoter (`abreast.lifecycle.promoter`) writes here, under its lease."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def champion(self, line: str) -> int | None:
        """The version that serves by the log; None before the first promotion."""
        stack = self.served(line)
        return stack[-1] if stack else None

    def previous(self, line: str) -> int | None:
        """The version to which a rollback returns."""
        stack = self.served(line)
        return stack[-2] if len(stack) > 1 else None

    def served(self, line: str) -> tuple[int, ...]:
        """The versions that served one on top of the other, the champion last; a rollback takes the last away."""
        with self._database.read() as connection:
            return serving(connection, line)

    def intend(
        self,
        lease: Lease,
        line: str,
        version: int,
        *,
        kind: Literal["promote", "rollback"],
        expected: int | None,
        forced: bool,
        reason: str,
        actor: str,
    ) -> Promotion:
        """Write the intent to make `version` the champion in place of `expected`.

        Raises:
            AbreastError: the lease is lost, another intent is open, `version` has learned a withdrawn drop, or not
                `expected` serves (unless `forced`). In place of a champion that has learned one, a version serves
                whose parent is the `next_parent` of the next update.
        """
        with self._database.write() as connection:
            check_lease(connection, lease)
            if (open_one := _open(connection, line)) is not None:
                raise AbreastError(f"v{open_one.version} of {line} is half promoted; run `abreast sweep` first")
            check_untainted(connection, line, version)
            stack = serving(connection, line)
            before = stack[-1] if stack else None
            judged_against = before if kind == "rollback" else next_parent(connection, line)
            if judged_against != expected and not forced:
                raise AbreastError(
                    f"v{version} was judged against {_name(expected)}, but {_name(before)} serves now; judge it again"
                )
            row = {"line": line, "version": version, "before": before, "kind": kind, "forced": forced}
            row |= {"state": "intent", "reason": reason, "actor": actor, "created_at": now()}
            made = inserted_id(connection.execute(insert(schema.promotions).values(**row)))
            return _promotion(connection, made)

    def complete(self, lease: Lease, promotion: Promotion) -> Promotion:
        """Write that the aliases are moved, and end the update that made the version, both at once."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            if promotion.kind == "promote":
                _end_update(connection, promotion)
            return _settle(connection, promotion, "done", "moved")

    def revert(self, lease: Lease, promotion: Promotion, why: str) -> Promotion:
        """Write that the promotion did not take place."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            return _settle(connection, promotion, "reverted", why)

    def open_intent(self, line: str) -> Promotion | None:
        """The intent that is neither done nor reverted."""
        with self._database.read() as connection:
            return _open(connection, line)

    def last(self, line: str) -> Promotion | None:
        """The promotion or rollback by which the champion serves; None before the first."""
        mine = (schema.promotions.c.line == line) & (schema.promotions.c.state == "done")
        query = select(schema.promotions).where(mine).order_by(schema.promotions.c.id.desc()).limit(1)
        with self._database.read() as connection:
            found = connection.execute(query).mappings().first()
        return None if found is None else Promotion.model_validate(dict(found))

    def all(self, line: str) -> list[Promotion]:
        """The whole log of `line`, oldest first."""
        query = select(schema.promotions).where(schema.promotions.c.line == line).order_by(schema.promotions.c.id)
        with self._database.read() as connection:
            return [Promotion.model_validate(dict(row)) for row in connection.execute(query).mappings()]


def _name(version: int | None) -> str:
    return "no champion" if version is None else f"v{version}"


def _end_update(connection: Connection, promotion: Promotion) -> None:
    """The update becomes `promoted` in the promotion's own transaction, so that no crash promotes it a second time."""
    made_by = select(schema.versions.c["update"]).where(
        schema.versions.c.line == promotion.line, schema.versions.c.number == promotion.version
    )
    ended = {"status": "promoted", "holder": None, "lease_until": 0.0, "updated_at": now()}
    mine = schema.updates.c.number.in_(made_by) & schema.updates.c.status.in_(_BEFORE)
    connection.execute(update(schema.updates).where(mine).values(**ended))


def _settle(connection: Connection, promotion: Promotion, state: str, outcome: str) -> Promotion:
    still_open = (schema.promotions.c.id == promotion.id) & (schema.promotions.c.state == "intent")
    settled = update(schema.promotions).where(still_open)
    connection.execute(settled.values(state=state, outcome=outcome, settled_at=now()))
    return _promotion(connection, promotion.id)


def _open(connection: Connection, line: str) -> Promotion | None:
    query = select(schema.promotions).where(schema.promotions.c.line == line, schema.promotions.c.state == "intent")
    found = connection.execute(query).mappings().first()
    return None if found is None else Promotion.model_validate(dict(found))


def _promotion(connection: Connection, number: int) -> Promotion:
    found = connection.execute(select(schema.promotions).where(schema.promotions.c.id == number)).mappings().one()
    return Promotion.model_validate(dict(found))
