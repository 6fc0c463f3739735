"""Claim drops for an update, hold them while it goes on, and conclude it."""

import contextlib
import threading
from collections.abc import Iterator

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, Unavailable
from abreast.ledger import Update
from abreast.ledger.process_id import Holder
from abreast.ledger.rows import Status
from abreast.reports.verdict import Verdict
from abreast.services.project import Project
from abreast.storage.workspace import Workspace

LEASE_SECONDS = 60.0


@task(cache_policy=NO_CACHE)
def claim_drops(project: Project) -> Update | None:
    """All accepted drops that wait as one new update, or the update that was cut off; None when there is nothing."""
    if changed := project.uncommitted():
        print(f"uncommitted changes are not used, an update runs on a commit: {', '.join(changed)}")
    update = project.ledger.claim(project.params.model.name, project.commit(), Holder.current(), LEASE_SECONDS)
    crash_point("claim.made")
    if update:
        print(f"{update.id}: {len(update.drops)} drops, parent v{update.parent}, attempt {update.attempt}")
    return update


@contextlib.contextmanager
def holding(project: Project, update: Update) -> Iterator[None]:
    """Renew the lease in the background; an error releases the update (to be resumed) or ends it as failed."""
    stop = threading.Event()
    keeper = threading.Thread(target=_renew, args=(project, update, stop), daemon=True)
    keeper.start()
    try:
        yield
    except Unavailable as error:
        with contextlib.suppress(AbreastError):
            project.ledger.release(update, str(error))
        raise
    except Exception as error:
        # One that was promoted already stays so, whatever failed afterwards.
        with contextlib.suppress(AbreastError):
            project.ledger.advance(update, "failed", reason=_reason(error))
        raise
    finally:
        stop.set()
        keeper.join()


def _renew(project: Project, update: Update, stop: threading.Event) -> None:
    """Until told to stop, or until the update has ended or is another's: fencing then refuses what comes late."""
    while not stop.wait(LEASE_SECONDS / 4):
        try:
            project.ledger.renew(update, LEASE_SECONDS)
        except AbreastError as error:
            print(f"{update.id}: lease not renewed: {error}")
            return


def _reason(error: Exception) -> str:
    """A refusal speaks for itself; of anything else the kind is told too."""
    text = str(error) if isinstance(error, AbreastError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:2000]


@task(cache_policy=NO_CACHE)
def conclude(project: Project, update: Update, workspace: Workspace, verdict: Verdict, end: Status) -> None:
    """Write the end of the update into the ledger, and what held it up if it was not promoted; remove its clone."""
    if end == "promoted":
        project.ledger.advance(update, end)
    else:
        held_up = [gate.reason for gate in verdict.gates if gate.asks]
        reason = "; ".join(held_up) or "passed, and waits for an approval: review.require_approval"
        project.ledger.advance(update, end, reason=reason, held_up=held_up)
    crash_point("conclude.written")
    workspace.remove()
    crash_point("conclude.removed")
