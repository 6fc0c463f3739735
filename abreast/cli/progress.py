"""A progress bar for an update that another process runs, from what its stage reports."""

import json
from collections.abc import Callable

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from abreast.cli.console import err
from abreast.core.waiting import wait_until
from abreast.services.services import Services

POLL_SECONDS = 0.5


def progress_bar() -> Progress:
    """A progress bar on stderr, so that `--json` output stays clean."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    return Progress(*columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal)


def show_progress_until(done: Callable[[], bool], services: Services, what: str) -> None:
    """Show how far the running update is until `done()` is true; `what` is shown while no stage reports."""
    with progress_bar() as bar:
        task = bar.add_task(what, total=None, note="")

        def refresh() -> bool:
            if done():
                return True
            if report := _stage_report(services):
                shown = f"{what}: {report['stage']}"
                bar.update(
                    task, description=shown, total=report["total"], completed=report["done"], note=report["note"]
                )
            else:
                bar.update(task, description=what, total=None, note="")
            return False

        wait_until(refresh, pause=POLL_SECONDS)


def _stage_report(services: Services) -> dict | None:
    live = services.ledger.updates.running(services.line)
    if live is None:
        return None
    try:
        return json.loads((services.project.home.runs / live.id / "progress.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {"stage": "preparing", "done": 0, "total": None, "note": ""}
