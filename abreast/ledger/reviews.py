"""Reviews: what people decided on versions that wait, and what came of it.

A review is one row, written before anything follows from it. A rejection, and an approval that comes too late, take
effect in the transaction that writes the row; an approval is open until the promoter has moved the champion.
"""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, delete, insert, select, update

from abreast.core.errors import AbreastError
from abreast.ledger import schema
from abreast.ledger.database import Database, inserted_id
from abreast.ledger.rows import Review, now
from abreast.ledger.version_status import VersionStatus, champion_name, version_status, why_not

_NAMED = 5


class Reviews:
    """Only `abreast.lifecycle.review` writes here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(
        self,
        line: str,
        version: int,
        *,
        decision: Literal["approve", "reject"],
        reason: str,
        reviewer: str,
        channel: Literal["command", "mlflow", "prefect"],
    ) -> Review:
        """Write down what a person decided.

        Returns:
            A rejection, or an approval that is stale, with its outcome; any other approval open, to be carried out.

        Raises:
            AbreastError: there is no such version, or it does not wait for review; the message says why not.
            Unavailable: its update has not ended yet.
        """
        with self._database.write() as connection:
            status, last = version_status(connection, line, version), _last(connection, line, version)
            if status.update_status != "review":
                raise why_not(status, decision, last)
            if last is not None and last.outcome is None:
                raise AbreastError(f"v{version} was {last.summary}; that is being carried out, or by the next sweep")
            row = {"line": line, "version": version, "decision": decision, "reason": reason, "reviewer": reviewer}
            row |= {"door": channel, "champion": status.champion, "shown": False, "created_at": now()}
            made = inserted_id(connection.execute(insert(schema.reviews).values(**row)))
            return _follow_up(connection, _review(connection, made))

    def follow_up(self, review: Review, failed: str | None = None) -> Review:
        """Give an open review the outcome that it has come to; repeated, or too early, it changes nothing.

        Args:
            failed: why the promoter would not promote the version, which goes on waiting then, unless the champion
                has changed meanwhile; while an intent to promote it stands, nothing is settled.
        """
        with self._database.write() as connection:
            return _follow_up(connection, _review(connection, review.id), failed)

    def mark_shown(self, review: Review) -> Review:
        """Note that the version's page in MLflow shows the review."""
        with self._database.write() as connection:
            _set(connection, review.id, shown=True)
            return _review(connection, review.id)

    def unfinished(self, line: str) -> list[Review]:
        """Reviews without an outcome, or that the page does not show yet, oldest first."""
        return [review for review in self.all(line) if review.outcome is None or not review.shown]

    def all(self, line: str, version: int | None = None) -> list[Review]:
        """All reviews of `line`, or of one version, oldest first."""
        query = select(schema.reviews).where(schema.reviews.c.line == line).order_by(schema.reviews.c.id)
        if version is not None:
            query = query.where(schema.reviews.c.version == version)
        with self._database.read() as connection:
            return [Review.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def waiting(self, line: str) -> list[int]:
        """The versions that wait for a person, oldest first."""
        query = (
            select(schema.versions.c.number)
            .join(schema.updates, schema.updates.c.number == schema.versions.c["update"])
            .where(schema.versions.c.line == line, schema.updates.c.status == "review")
        )
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(schema.versions.c.number)).scalars())


def _follow_up(connection: Connection, review: Review, failed: str | None = None) -> Review:
    if review.outcome is not None:
        return review
    status = version_status(connection, review.line, review.version)
    if review.decision == "reject":
        _refuse(connection, status, review.summary)
        return _settle(connection, review, "rejected", f"{status.name} is refused, {_still(status)}")
    if status.update_status == "promoted":
        return _settle(connection, review, "promoted", f"{status.name} went into service")
    if status.stale:
        return _settle(connection, review, "stale", _offer_again(connection, review, status))
    if failed is not None and not _half_promoted(connection, review):
        return _settle(connection, review, "reverted", f"{failed}; {status.name} still waits for review")
    return review


def _half_promoted(connection: Connection, review: Review) -> bool:
    """Whether the log holds an open intent to promote the version, which whoever promotes next will finish."""
    log = schema.promotions
    mine = (log.c.line == review.line) & (log.c.version == review.version) & (log.c.state == "intent")
    return connection.execute(select(log.c.id).where(mine)).first() is not None


def _still(status: VersionStatus) -> str:
    return "nothing serves yet" if status.champion is None else f"v{status.champion} stays in service"


def _offer_again(connection: Connection, review: Review, status: VersionStatus) -> str:
    """Let the drops of the version wait again, and describe that; the champion has none of them."""
    mine = (schema.claims.c.line == review.line) & (schema.claims.c["update"] == status.update)
    held = select(schema.claims.c.digest).where(mine)
    names = select(schema.drops.c.name).where(schema.drops.c.digest.in_(held)).order_by(schema.drops.c.seq)
    again = _shortened(connection.execute(names).scalars().all())
    connection.execute(delete(schema.claims).where(mine))
    _refuse(connection, status, review.summary)
    serves = champion_name(status.champion)
    return (
        f"{status.name} was judged against {champion_name(status.parent)}, but {serves} serves now: the approval is"
        f" recorded and not applied; what {serves} does not know of it ({again}) waits again, and the next update"
        f" learns it on top of {serves} and is judged against it"
    )


def _shortened(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _refuse(connection: Connection, status: VersionStatus, reason: str) -> None:
    mine = (schema.updates.c.number == status.update) & (schema.updates.c.status == "review")
    connection.execute(update(schema.updates).where(mine).values(status="refused", reason=reason, updated_at=now()))


def _settle(connection: Connection, review: Review, outcome: str, detail: str) -> Review:
    _set(connection, review.id, outcome=outcome, detail=detail, settled_at=now(), shown=False)
    return _review(connection, review.id)


def _set(connection: Connection, number: int, **values: object) -> None:
    connection.execute(update(schema.reviews).where(schema.reviews.c.id == number).values(**values))


def _last(connection: Connection, line: str, version: int) -> Review | None:
    mine = (schema.reviews.c.line == line) & (schema.reviews.c.version == version)
    query = select(schema.reviews).where(mine).order_by(schema.reviews.c.id.desc())
    found = connection.execute(query).mappings().first()
    return None if found is None else Review.model_validate(dict(found))


def _review(connection: Connection, number: int) -> Review:
    found = connection.execute(select(schema.reviews).where(schema.reviews.c.id == number)).mappings().one()
    return Review.model_validate(dict(found))
