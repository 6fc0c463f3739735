"""Watching the inbox: a complete arrival becomes a Prefect event, which starts an intake."""

import time
from collections.abc import Iterator
from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.lifecycle.intake import arrivals
from abreast.services.prefect_api import PrefectApi
from abreast.services.services import Services

QUIET_MS, GATHER_MS = 500, 3000
RETRY_SECONDS = 5.0


def watch_inbox(services: Services) -> Iterator[str]:
    """Emit an event for each arrival, for ever; yields a line for the log at each event and each failure.

    An event is only a hint (intake lists the inbox itself), so arrivals within `GATHER_MS` share one. An event that
    could not be sent is sent again.
    """
    api, announced = PrefectApi(services.project.prefect_api), set()
    for _ in _triggers(services.project):
        try:
            new = [d for d in arrivals(services.ledger, services.inbox) if (d.uri, d.fingerprint) not in announced]
            if new:
                api.emit_arrival([d.name for d in new])
                announced |= {(d.uri, d.fingerprint) for d in new}
                yield f"arrived: {', '.join(d.name for d in new)}"
        except AbreastError as error:
            yield f"not announced yet, next attempt in {RETRY_SECONDS:.0f} s: {error}"


def _triggers(project: Project) -> Iterator[None]:
    """Yield when to list the inbox: now, after each change in a folder, every `intake.poll_seconds` in a bucket."""
    inbox = project.params.intake.inbox
    if inbox.startswith("s3://"):
        while True:
            yield
            time.sleep(project.params.intake.poll_seconds)
    from watchfiles import watch as folder_changes

    folder = project.root / Path(inbox).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    yield
    for _ in folder_changes(
        folder,
        watch_filter=None,
        step=QUIET_MS,
        debounce=GATHER_MS,
        rust_timeout=int(RETRY_SECONDS * 1000),
        yield_on_timeout=True,
    ):
        yield
