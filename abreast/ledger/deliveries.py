"""Deliveries: what arrived in the inbox, and what intake made of it."""

from sqlalchemy import insert, select

from abreast.ledger import schema
from abreast.ledger.database import Database
from abreast.ledger.rows import DeliveryOutcome, DeliveryRecord, now


class Deliveries:
    """The deliveries that intake has dealt with, known by address and fingerprint."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def seen(self, uri: str, fingerprint: str) -> bool:
        """Has intake already dealt with this very delivery?"""
        query = select(schema.deliveries.c.uri).where(
            schema.deliveries.c.uri == uri, schema.deliveries.c.fingerprint == fingerprint
        )
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def all_seen(self) -> set[tuple[str, str]]:
        """Address and fingerprint of every delivery that intake has dealt with, by one query."""
        with self._database.read() as connection:
            found = connection.execute(select(schema.deliveries.c.uri, schema.deliveries.c.fingerprint))
            return {(uri, fingerprint) for uri, fingerprint in found}

    def record(self, uri: str, fingerprint: str, digest: str | None, outcome: DeliveryOutcome, name: str) -> None:
        """Note what became of a delivery: the last thing that intake does, so that a kill repeats, never loses, it.

        Recorded once: a repetition changes nothing.
        """
        with self._database.write() as connection:
            known = select(schema.deliveries.c.uri).where(
                schema.deliveries.c.uri == uri, schema.deliveries.c.fingerprint == fingerprint
            )
            if connection.execute(known).first() is None:
                row = DeliveryRecord(
                    uri=uri, fingerprint=fingerprint, digest=digest, outcome=outcome, name=name, at=now()
                )
                connection.execute(insert(schema.deliveries).values(**row.model_dump()))

    def all(self) -> list[DeliveryRecord]:
        """All deliveries, oldest first."""
        with self._database.read() as connection:
            found = connection.execute(select(schema.deliveries).order_by(schema.deliveries.c.at))
            return [DeliveryRecord.model_validate(dict(row)) for row in found.mappings()]
