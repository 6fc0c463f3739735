"""Following an update from another process: a progress bar from what its stage reports."""

import json
from collections.abc import Callable

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from abreast.cli.console import err
from abreast.core.waiting import wait_until
from abreast.services.services import Services

LOOK_SECONDS = 0.5


def bar() -> Progress:
    """A progress bar on stderr, so that `--json` output stays clean."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"))
    return Progress(*columns, TimeElapsedColumn(), console=err, transient=True, disable=not err.is_terminal)


def follow(services: Services, what: str, done: Callable[[], bool]) -> None:
    """Show how far the running update is until `done()` says true; `what` is shown while no stage reports."""
    with bar() as progress:
        task = progress.add_task(what, total=None, note="")

        def look() -> bool:
            if done():
                return True
            if report := _report(services):
                shown = f"{what}: {report['stage']}"
                progress.update(
                    task, description=shown, total=report["total"], completed=report["done"], note=report["note"]
                )
            else:
                progress.update(task, description=what, total=None, note="")
            return False

        wait_until(look, pause=LOOK_SECONDS)


def _report(services: Services) -> dict | None:
    live = services.ledger.updates.running(services.line)
    if live is None:
        return None
    try:
        return json.loads((services.project.home.runs / live.id / "progress.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {"stage": "preparing", "done": 0, "total": None, "note": ""}
