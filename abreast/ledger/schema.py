"""The ledger's tables. One place; `rows.py` says what each column means."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)

SCHEMA_VERSION = 1

metadata = MetaData()

schema = Table("ledger_schema", metadata, Column("version", Integer, primary_key=True))

deliveries = Table(
    "deliveries",
    metadata,
    Column("uri", String, primary_key=True),
    Column("fingerprint", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("digest", String),
    Column("outcome", String, nullable=False),
    Column("at", String, nullable=False),
)

drops = Table(
    "drops",
    metadata,
    Column("digest", String, primary_key=True),
    Column("seq", Integer, unique=True),
    Column("status", String, nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("uri", String),
    Column("arrived_at", String, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("pointer", JSON(none_as_null=True)),
    Column("reasons", JSON, nullable=False),
)

updates = Table(
    "updates",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("line", String, nullable=False, index=True),
    Column("status", String, nullable=False),
    Column("commit", String, nullable=False),
    Column("parent", Integer),
    Column("attempt", Integer, nullable=False),
    Column("holder", JSON(none_as_null=True)),
    Column("fence", Integer, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("facts", JSON, nullable=False),
    Column("reason", String),
    Column("created_at", String, nullable=False),
    Column("updated_at", String, nullable=False),
    sqlite_autoincrement=True,
)
_live = text("status IN ('claimed', 'trained', 'registered', 'judged')")
Index("one_live_update_a_line", updates.c.line, unique=True, sqlite_where=_live, postgresql_where=_live)

update_drops = Table(
    "update_drops",
    metadata,
    Column("update", Integer, ForeignKey("updates.number"), primary_key=True),
    Column("digest", String, ForeignKey("drops.digest"), primary_key=True),
)

claims = Table(
    "claims",
    metadata,
    Column("line", String, primary_key=True),
    Column("digest", String, ForeignKey("drops.digest"), primary_key=True),
    Column("update", Integer, ForeignKey("updates.number"), nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
)

versions = Table(
    "versions",
    metadata,
    Column("line", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("update", Integer, ForeignKey("updates.number"), nullable=False),
    Column("digest", String, nullable=False),
    Column("model", JSON, nullable=False),
    Column("knowledge", JSON, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("verdict", String),
    Column("reasons", JSON, nullable=False),
    Column("created_at", String, nullable=False),
    UniqueConstraint("update", name="one_version_an_update"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", JSON(none_as_null=True)),
    Column("fence", Integer, nullable=False),
    Column("until", Float, nullable=False),
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("line", String, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("before", Integer),
    Column("kind", String, nullable=False),
    Column("forced", Boolean, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("outcome", String),
    Column("created_at", String, nullable=False),
    Column("settled_at", String),
    sqlite_autoincrement=True,
)
_open = text("state = 'intent'")
Index("one_open_promotion_a_line", promotions.c.line, unique=True, sqlite_where=_open, postgresql_where=_open)

reviews = Table(
    "reviews",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("line", String, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("decision", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("reviewer", String, nullable=False),
    Column("door", String, nullable=False),
    Column("champion", Integer),
    Column("outcome", String),
    Column("detail", String),
    Column("shown", Boolean, nullable=False),
    Column("created_at", String, nullable=False),
    Column("settled_at", String),
    sqlite_autoincrement=True,
)
_unsettled = text("outcome IS NULL")
Index(
    "one_open_review_a_version",
    reviews.c.line,
    reviews.c.version,
    unique=True,
    sqlite_where=_unsettled,
    postgresql_where=_unsettled,
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("line", String, nullable=False),
    Column("digest", String, ForeignKey("drops.digest"), nullable=False),
    Column("reason", String, nullable=False),
    Column("actor", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("lifted_at", String),
    Column("lifted_by", String),
    Column("lifted_reason", String),
    sqlite_autoincrement=True,
)
_stands = text("lifted_at IS NULL")
Index(
    "one_withdrawal_a_drop",
    withdrawals.c.line,
    withdrawals.c.digest,
    unique=True,
    sqlite_where=_stands,
    postgresql_where=_stands,
)
