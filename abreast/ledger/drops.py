"""Drops: accepted or quarantined, known by the digest of their content."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from abreast.knowledge.drop import DropInfo
from abreast.ledger import schema
from abreast.ledger.database import Database
from abreast.ledger.rows import Drop, now
from abreast.storage.dvc_cache import Pointer


class Drops:
    """One row a drop, whatever lines learn from it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, info: DropInfo, pointer: Pointer, name: str, uri: str | None) -> bool:
        """Take a stored drop into the ledger; from here on it waits for an update.

        Returns:
            False when a drop with this digest was accepted before: nothing is changed then. A drop that was
            quarantined before (say, under a stricter contract) becomes accepted.
        """
        with self._database.write() as connection:
            before = _status(connection, info.digest)
            if before == "accepted":
                return False
            values: dict[str, Any] = {
                "seq": (connection.execute(select(func.max(schema.drops.c.seq))).scalar() or 0) + 1,
                "status": "accepted",
                "name": name,
                "uri": uri,
                "arrived_at": info.arrived_at,
                "rows": info.rows,
                "accepted": info.accepted,
                "quarantined": info.quarantined,
                "kinds": dict(info.kinds),
                "pointer": pointer.model_dump(),
                "reasons": [],
            }
            _save(connection, info.digest, before, values)
            return True

    def quarantine(self, digest: str, name: str, rows: int, reasons: Sequence[str], uri: str | None = None) -> bool:
        """Record a drop that was refused whole.

        Returns:
            False when the drop is already accepted: what was accepted stays so.
        """
        with self._database.write() as connection:
            before = _status(connection, digest)
            if before == "accepted":
                return False
            values: dict[str, Any] = {
                "status": "quarantined",
                "name": name,
                "uri": uri,
                "arrived_at": now(),
                "rows": rows,
                "accepted": 0,
                "quarantined": rows,
                "kinds": {},
                "reasons": list(reasons),
            }
            _save(connection, digest, before, values)
            return True

    def all(self, status: str | None = None) -> list[Drop]:
        """Drops in the order of arrival, all or only `accepted` or `quarantined` ones."""
        query = select(schema.drops).order_by(schema.drops.c.arrived_at, schema.drops.c.seq)
        if status is not None:
            query = query.where(schema.drops.c.status == status)
        with self._database.read() as connection:
            return [Drop.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def get(self, digest: str) -> Drop | None:
        """The drop with this digest, if it is known."""
        with self._database.read() as connection:
            found = connection.execute(select(schema.drops).where(schema.drops.c.digest == digest)).mappings().first()
        return None if found is None else Drop.model_validate(dict(found))


def _status(connection: Connection, digest: str) -> str | None:
    return connection.execute(select(schema.drops.c.status).where(schema.drops.c.digest == digest)).scalar()


def _save(connection: Connection, digest: str, before: str | None, values: dict[str, Any]) -> None:
    if before is None:
        connection.execute(insert(schema.drops).values(digest=digest, **values))
    else:
        connection.execute(update(schema.drops).where(schema.drops.c.digest == digest).values(**values))
