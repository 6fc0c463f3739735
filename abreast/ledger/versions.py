"""What is known of each registered version without asking MLflow."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy import update as update_rows

from abreast.core.errors import AbreastError
from abreast.ledger import schema
from abreast.ledger.ancestry import drops_of_update, lineage_of
from abreast.ledger.database import Database
from abreast.ledger.rows import Update, Verdict, Version, now
from abreast.ledger.updates import mark_judged
from abreast.ledger.version_status import VersionStatus, version_status
from abreast.storage.dvc_cache import Pointer


class Versions:
    """Versions of each line by number; one update makes at most one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        number: int,
        update: Update,
        *,
        digest: str,
        model: Pointer,
        knowledge: Pointer,
        metrics: Mapping[str, Any],
        verdict: Verdict,
        reasons: Sequence[str],
    ) -> Version:
        """Record that `update` was registered as version `number` with this verdict; the update is `judged` then.

        Idempotent; a repetition may bring another verdict.

        Args:
            digest: of the model folder, as `abreast.learning.model_folder.model_digest` gives it.
            model: DVC's pointer to the folder `model`.
            knowledge: DVC's pointer to the file `data/knowledge.parquet`.
            metrics: what `reports/metrics.json` holds.
            reasons: of each gate.

        Raises:
            AbreastError: another process has taken the update over, or it has ended; the number belongs to another
                update, or the update to another number or to other files.
        """
        judged = {"verdict": verdict, "reasons": list(reasons)}
        mine = (schema.versions.c.line == update.line) & (schema.versions.c.number == number)
        with self._database.write() as connection:
            mark_judged(connection, update, version=number, digest=digest)
            known = _same_version(connection, number, update)
            if known is None:
                row: dict[str, Any] = {
                    "line": update.line,
                    "number": number,
                    "update": update.number,
                    "digest": digest,
                    **judged,
                }
                row |= {"model": model.model_dump(), "knowledge": knowledge.model_dump(), "metrics": dict(metrics)}
                connection.execute(insert(schema.versions).values(created_at=now(), **row))
            elif known.digest != digest:
                raise AbreastError(f"{known.name} of {update.id} is recorded with other files ({known.digest[:12]})")
            else:
                connection.execute(update_rows(schema.versions).where(mine).values(**judged))
            return _version(connection, update.line, number)

    def get(self, line: str, number: int) -> Version:
        """One version; raises AbreastError if there is no such."""
        with self._database.read() as connection:
            return _version(connection, line, number)

    def all(self, line: str) -> list[Version]:
        """All versions of `line`, oldest first."""
        query = select(schema.versions.c.number).where(schema.versions.c.line == line)
        with self._database.read() as connection:
            numbers = connection.execute(query.order_by(schema.versions.c.number)).scalars().all()
            return [_version(connection, line, number) for number in numbers]

    def lineage(self, line: str, number: int) -> tuple[int, ...]:
        """The version `number`, its parent, the parent's parent, up to the first."""
        with self._database.read() as connection:
            return lineage_of(connection, line, number)

    def ancestors(self, line: str, number: int | None) -> tuple[Version, ...]:
        """The version `number` and all that it descends from, oldest first; none before there is a first version."""
        with self._database.read() as connection:
            chain = () if number is None else lineage_of(connection, line, number)
            return tuple(_version(connection, line, ancestor) for ancestor in reversed(chain))

    def learned(self, line: str, number: int) -> tuple[str, ...]:
        """The digests of all drops that a version knows, its own and its ancestors', oldest version first."""
        return tuple(digest for version in self.ancestors(line, number) for digest in version.drops)

    def status(self, line: str, version: int) -> VersionStatus:
        """Where a version stands; raises AbreastError if there is no such."""
        with self._database.read() as connection:
            return version_status(connection, line, version)


def _same_version(connection: Connection, number: int, update: Update) -> Version | None:
    """The version recorded for `update`, if it is `number`; a different pairing is refused."""
    one_of = (schema.versions.c["update"] == update.number) | (
        (schema.versions.c.line == update.line) & (schema.versions.c.number == number)
    )
    found = connection.execute(select(schema.versions.c.number, schema.versions.c["update"]).where(one_of)).first()
    if found is None:
        return None
    if tuple(found) != (number, update.number):
        raise AbreastError(f"v{found.number} is recorded for u{found.update:04d}, not v{number} for {update.id}")
    return _version(connection, update.line, number)


def _version(connection: Connection, line: str, number: int) -> Version:
    query = (
        select(schema.versions, schema.updates.c.parent)
        .join(schema.updates, schema.updates.c.number == schema.versions.c["update"])
        .where(schema.versions.c.line == line, schema.versions.c.number == number)
    )
    found = connection.execute(query).mappings().first()
    if found is None:
        raise AbreastError(f"no version v{number} of {line}; `abreast history` lists them")
    return Version.model_validate({**found, "drops": drops_of_update(connection, found["update"])})
