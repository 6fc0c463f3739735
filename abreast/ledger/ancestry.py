"""What follows from the log: which versions serve and served, and what each of them descends from."""

from itertools import groupby

from sqlalchemy import Connection, select

from abreast.ledger import schema


def serving(connection: Connection, line: str) -> tuple[int, ...]:
    """The versions that served one on top of the other: the last is the champion, the one before it is `previous`.

    A promotion puts a version on top, a rollback takes away what is above the version that it returns to. So two
    rollbacks after v1, v2, v3 lead to v1, and not back to v3. No rollback
    returns to a version that has learned a withdrawn drop: it is here only while it is the champion.
    """
    done = (
        select(schema.promotions.c.version, schema.promotions.c.kind)
        .where(schema.promotions.c.line == line, schema.promotions.c.state == "done")
        .order_by(schema.promotions.c.id)
    )
    stack: list[int] = []
    for version, kind in connection.execute(done):
        if kind == "promote":
            stack.append(version)
            continue
        stack.pop()
        while stack and stack[-1] != version:
            stack.pop()
    if not (marks := withdrawn(connection, line)):
        return tuple(stack)
    untainted = [version for version in stack[:-1] if not marks & known_by(connection, line, version)]
    return tuple(version for version, _ in groupby([*untainted, *stack[-1:]]))


def next_parent(connection: Connection, line: str) -> int | None:
    """The version that the next update starts from: the champion, or the last before it that knows no withdrawn drop.

    None, the base, before the first promotion and where every version that served knows one.
    """
    stack = serving(connection, line)
    if not stack or not withdrawn(connection, line) & known_by(connection, line, stack[-1]):
        return stack[-1] if stack else None
    return stack[-2] if len(stack) > 1 else None


def withdrawn(connection: Connection, line: str) -> set[str]:
    """The digests of the drops that are marked as withdrawn."""
    marks = schema.withdrawals
    stand = select(marks.c.digest).where(marks.c.line == line, marks.c.lifted_at.is_(None))
    return set(connection.execute(stand).scalars())


def known_by(connection: Connection, line: str, number: int | None) -> set[str]:
    """The digests of all drops that a version knows, its own and its ancestors'; none for the base."""
    if number is None:
        return set()
    chain = set(lineage_of(connection, line, number))
    query = (
        select(schema.versions.c.number, schema.update_drops.c.digest)
        .join(schema.update_drops, schema.update_drops.c["update"] == schema.versions.c["update"])
        .where(schema.versions.c.line == line)
    )
    return {digest for version, digest in connection.execute(query) if version in chain}


def lineage_of(connection: Connection, line: str, number: int) -> tuple[int, ...]:
    """The version `number`, its parent, the parent's parent, up to the first."""
    query = (
        select(schema.versions.c.number, schema.updates.c.parent)
        .join(schema.updates, schema.updates.c.number == schema.versions.c["update"])
        .where(schema.versions.c.line == line)
    )
    parents: dict[int, int | None] = {row.number: row.parent for row in connection.execute(query)}
    chain: list[int] = []
    version: int | None = number
    while version is not None and version not in chain:
        chain.append(version)
        version = parents.get(version)
    return tuple(chain)


def drops_of_update(connection: Connection, number: int) -> tuple[str, ...]:
    """The digests of an update's drops in the order of acceptance."""
    query = (
        select(schema.update_drops.c.digest)
        .join(schema.drops, schema.drops.c.digest == schema.update_drops.c.digest)
        .where(schema.update_drops.c["update"] == number)
        .order_by(schema.drops.c.seq)
    )
    return tuple(connection.execute(query).scalars())
