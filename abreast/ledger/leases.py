"""Leases with fence tokens: one holder at a time, and a late one is found out."""

import time
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from abreast.core.errors import AbreastError
from abreast.ledger import schema
from abreast.ledger.database import Database
from abreast.ledger.process_id import ProcessId, free
from abreast.ledger.rows import Lease


class Leases:
    """A lease is free when it was given back, when its time is over, or when its holder's process is gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, holder: ProcessId, seconds: float) -> Lease | None:
        """Take the lease `name` for so many seconds, or None while another has it. Never waits."""
        with self._database.write() as connection:
            known = _row(connection, name)
            if known is not None and not free(_holder(known), known["until"]):
                return None
            fence = 1 if known is None else known["fence"] + 1
            lease = Lease(name=name, holder=holder, fence=fence, until=time.time() + seconds)
            connection.execute(delete(schema.leases).where(schema.leases.c.name == name))
            connection.execute(insert(schema.leases).values(**lease.model_dump()))
            return lease

    def renew(self, lease: Lease, seconds: float) -> None:
        """Hold `lease` for another so many seconds from now; raises AbreastError if another has taken it."""
        with self._database.write() as connection:
            check_lease(connection, lease)
            kept = update(schema.leases).where(schema.leases.c.name == lease.name).values(until=time.time() + seconds)
            connection.execute(kept)

    def release(self, lease: Lease) -> None:
        """Give `lease` back; nothing happens if another has taken it."""
        with self._database.write() as connection:
            mine = (schema.leases.c.name == lease.name) & (schema.leases.c.fence == lease.fence)
            connection.execute(update(schema.leases).where(mine).values(holder=None, until=0.0))


def check_lease(connection: Connection, lease: Lease) -> None:
    """Raise AbreastError unless `lease` is the one that counts: nobody has taken it since."""
    known = _row(connection, lease.name)
    if known is None or known["fence"] != lease.fence or known["holder"] is None:
        raise AbreastError(f"the lease `{lease.name}` was taken by another process; this one must stop")


def _row(connection: Connection, name: str) -> dict[str, Any] | None:
    found = connection.execute(select(schema.leases).where(schema.leases.c.name == name)).mappings().first()
    return None if found is None else dict(found)


def _holder(known: dict[str, Any]) -> ProcessId | None:
    return None if known["holder"] is None else ProcessId.model_validate(known["holder"])
