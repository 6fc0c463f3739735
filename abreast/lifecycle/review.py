"""Review: a person decides on a version that waits; every channel leads to the same steps.

1. the decision is a row in the ledger. A rejection ends the version's update as refused in the same transaction; so
   does an approval that is stale, because another version serves than the one that this one was judged against: the
   drops that the champion does not know wait again, to be learned on top of it and judged against it;
2. any other approval goes through the promoter, which reads the champion again;
3. the outcome is written;
4. the version's page in MLflow shows it.

A crash between any two of these is repaired by `reconcile_reviews`, or by the next review.
"""

from typing import Literal

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, Unavailable
from abreast.core.settings import ReviewSettings
from abreast.ledger import Ledger, Review
from abreast.ledger.rows import LIVE
from abreast.ledger.version_status import why_not
from abreast.lifecycle import promoter
from abreast.tracking.registry import Registry

LONGEST = 1000
"""Characters of a reason."""


def status_after_verdict(verdict: str, knobs: ReviewSettings) -> Literal["promoted", "review", "refused"]:
    """How an update ends whose candidate has this verdict."""
    if verdict == "fail":
        return "refused"
    return "promoted" if verdict == "pass" and not knobs.require_approval else "review"


def review(
    ledger: Ledger,
    registry: Registry,
    version: int,
    decision: Literal["approve", "reject"],
    *,
    reason: str,
    reviewer: str,
    channel: Literal["command", "mlflow", "prefect"],
) -> Review:
    """Approve or reject a version that waits for review.

    Returns:
        The review as the ledger has it: `outcome` and `detail` say what came of it.

    Raises:
        AbreastError: the version does not wait for review, or there is no reason or no reviewer. Nothing is recorded.
        Unavailable: its update has not ended; or the decision is recorded, but MLflow or the ledger failed then, and
            the next sweep finishes it.
    """
    reason, reviewer = (" ".join(text.split()) for text in (reason, reviewer))
    _check(reason, reviewer)
    for left in _left(ledger, registry):
        if left.version == version:
            _finish(ledger, registry, left)
    made = ledger.reviews.decide(
        registry.name, version, decision=decision, reason=reason, reviewer=reviewer, channel=channel
    )
    crash_point("review.recorded")
    try:
        return _finish(ledger, registry, made)
    except Unavailable as error:
        raise Unavailable(f"v{version} was {made.summary}; the next sweep carries it out: {error}") from error


def reconcile_reviews(ledger: Ledger, registry: Registry) -> list[str]:
    """Carry out and show what a crash or a lost server left half done, and let no page ask in vain; a line each."""
    done = []
    for left in _left(ledger, registry):
        try:
            finished = _finish(ledger, registry, left)
        except Unavailable:
            raise
        except AbreastError as error:
            done.append(f"review of v{left.version}: its page in MLflow cannot be written: {error}")
        else:
            done.append(f"review of v{left.version} finished: {finished.detail}")
    return done + _ask_no_more(ledger, registry)


def _ask_no_more(ledger: Ledger, registry: Registry) -> list[str]:
    """Say on a page why its version no longer waits although nobody decided: one of its drops was withdrawn, or it was
    promoted by force.
    """
    done = []
    for version in registry.asking():
        if (why := _not_waiting(ledger, registry.name, version)) is not None:
            registry.end_asking(version, why)
            done.append(f"page of v{version}: {why}")
    return done


def _not_waiting(ledger: Ledger, line: str, version: int) -> str | None:
    """Why a version does not wait for review; None if it does, or will."""
    try:
        status = ledger.versions.status(line, version)
    except Unavailable:
        raise
    except AbreastError as error:
        return str(error)
    if status.update_status == "review" or status.update_status in LIVE:
        return None
    return str(why_not(status, "approve", next(reversed(ledger.reviews.all(line, version)), None)))


def _left(ledger: Ledger, registry: Registry) -> list[Review]:
    return ledger.reviews.unfinished(registry.name)


def _check(reason: str, reviewer: str) -> None:
    if not reason:
        raise AbreastError("a review needs a reason, such as 'read the ten changed answers, all better'; it is empty")
    if len(reason) > LONGEST:
        raise AbreastError(f"the reason of a review has {len(reason)} characters; {LONGEST} at most, link to the rest")
    if not reviewer:
        raise AbreastError("a review needs a reviewer, such as 'ann'; the name is empty")


def _finish(ledger: Ledger, registry: Registry, row: Review) -> Review:
    """From the written decision to the page that shows it."""
    settled = _carry_out(ledger, registry, row)
    crash_point("review.settled")
    try:
        registry.set_reviews(row.version, ledger.reviews.all(row.line, row.version))
    except Unavailable:
        return settled
    except AbreastError:
        ledger.reviews.mark_shown(settled)  # there is no page that could ever show it
        raise
    crash_point("review.shown")
    return ledger.reviews.mark_shown(settled)


def _carry_out(ledger: Ledger, registry: Registry, row: Review) -> Review:
    settled = ledger.reviews.follow_up(row)
    if settled.outcome is not None:
        return settled
    try:
        promoter.promote_version(ledger, registry, row.version, row.summary, row.reviewer, reviewed=True)
    except Unavailable:
        raise
    except AbreastError as error:
        settled = ledger.reviews.follow_up(row, failed=str(error))
        if settled.outcome is None:
            raise Unavailable(str(error)) from error
        return settled
    crash_point("review.promoted")
    return ledger.reviews.follow_up(row)
