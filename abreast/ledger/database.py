"""One way into the ledger's database: whole transactions, one writer at a time, errors that name the knob."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import Connection, CursorResult, Engine, create_engine, event, inspect, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, Unavailable
from abreast.ledger.schema import SCHEMA_VERSION, metadata, schema

_BUSY_SECONDS = 60
_CONNECT_SECONDS = 5
_ADVISORY_LOCK = 0x61627265  # "abre": all writers of one PostgreSQL ledger queue on it


class Database:
    """Read and write transactions on SQLite or PostgreSQL.

    Writers are serialised on both: `BEGIN IMMEDIATE` on SQLite, an advisory lock on PostgreSQL. The ledger is written a
    few times a minute, and so every check inside a write transaction holds until its commit.
    """

    def __init__(self, url: str, project_root: Path) -> None:
        self._url = _checked(url, project_root)
        self._engine = _engine(self._url)
        self._writer = self._engine.execution_options(abreast_write=True)
        with _errors(self._url):
            self._create()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _errors(self._url), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with _errors(self._url), self._writer.begin() as connection:
            yield connection
            crash_point("ledger.written")
        crash_point("ledger.committed")

    def _create(self) -> None:
        """Make the tables, once, however many processes come first at the same time."""
        if not self._has_schema():
            if self._url.get_backend_name() == "sqlite":
                self._create_file()
            else:
                self._create_tables()
        with self._engine.connect() as connection:
            found = connection.execute(select(schema.c.version)).scalar()
        if found != SCHEMA_VERSION:
            raise AbreastError(
                f"knob `storage.ledger` ({self._url}): tables of version {found}, this Abreast needs {SCHEMA_VERSION};"
                " use the Abreast that made them, or name another database"
            )

    def _has_schema(self) -> bool:
        with self._engine.connect() as connection:
            return set(metadata.tables) <= set(inspect(connection).get_table_names())

    def _create_file(self) -> None:
        file = Path(self._url.database or "")
        with FileLock(file.with_name(f"{file.name}.lock")):
            with self._engine.connect() as connection:
                connection.connection.execute("PRAGMA journal_mode=WAL")
            self._create_tables()

    def _create_tables(self) -> None:
        with self._writer.begin() as connection:
            made_before = inspect(connection).has_table(schema.name)
            found = connection.execute(select(schema.c.version)).scalar() if made_before else None
            if found in (None, SCHEMA_VERSION):
                metadata.create_all(connection)  # a ledger made before a table was thought of gets it now
            if found is None:
                connection.execute(schema.insert().values(version=SCHEMA_VERSION))


def _checked(url: str, project_root: Path) -> URL:
    """A URL with an absolute file (its folder made) or with the driver that is installed."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise AbreastError(f"knob `storage.ledger` is {url!r}: not a database URL such as {_EXAMPLES}") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or parsed.database in (None, "", ":memory:"):
        shown = parsed.render_as_string()
        raise AbreastError(f"knob `storage.ledger` is {shown!r}: name a SQLite file or PostgreSQL, such as {_EXAMPLES}")
    file = (project_root / parsed.database).absolute()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise AbreastError(f"knob `storage.ledger` is {url!r}: cannot make its folder: {reason}") from None
    return parsed.set(database=str(file))


_EXAMPLES = "sqlite:///.abreast/ledger.db or postgresql://user@host/abreast"


def _engine(url: URL) -> Engine:
    """An engine without a pool: the ledger is used by short transactions in many processes, forked ones too."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_SECONDS})
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def inserted_id(result: CursorResult[Any]) -> int:
    """The number of the row that an insert has made."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _prepare_sqlite(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where sqlite3 guesses
    raw.execute("PRAGMA foreign_keys=ON")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("abreast_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("abreast_write"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


@contextmanager
def _errors(url: URL) -> Iterator[None]:
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        kind = Unavailable if isinstance(error, OperationalError) else AbreastError
        raise kind(f"knob `storage.ledger` ({url.render_as_string()}): {' '.join(str(error.orig).split())}") from error
