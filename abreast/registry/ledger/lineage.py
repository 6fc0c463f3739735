"""What follows from the log: which versions serve and served, and what each of them descends from."""

from sqlalchemy import Connection, select

from abreast.registry.ledger import schema


def serving(connection: Connection, line: str) -> tuple[int, ...]:
    """The versions that served one on top of the other: the last is the champion, the one before it is `previous`.

    A promotion puts a version on top, a rollback takes the top away. So two rollbacks after v1, v2, v3 lead to v1, and
    not back to v3.
    """
    done = (
        select(schema.promotions.c.version, schema.promotions.c.kind)
        .where(schema.promotions.c.line == line, schema.promotions.c.state == "done")
        .order_by(schema.promotions.c.id)
    )
    stack: list[int] = []
    for version, kind in connection.execute(done):
        if kind == "rollback":
            stack.pop()
        else:
            stack.append(version)
    return tuple(stack)


def lineage_of(connection: Connection, line: str, number: int) -> tuple[int, ...]:
    """The version `number`, its parent, the parent's parent, up to the first."""
    query = (
        select(schema.versions.c.number, schema.updates.c.parent)
        .join(schema.updates, schema.updates.c.number == schema.versions.c.update)
        .where(schema.versions.c.line == line)
    )
    parents = dict(connection.execute(query).all())
    chain: list[int] = []
    while number is not None and number not in chain:
        chain.append(number)
        number = parents.get(number)
    return tuple(chain)


def drops_of_update(connection: Connection, number: int) -> tuple[str, ...]:
    """The digests of an update's drops in the order of acceptance."""
    query = (
        select(schema.update_drops.c.digest)
        .join(schema.drops, schema.drops.c.digest == schema.update_drops.c.digest)
        .where(schema.update_drops.c.update == number)
        .order_by(schema.drops.c.seq)
    )
    return tuple(connection.execute(query).scalars())
