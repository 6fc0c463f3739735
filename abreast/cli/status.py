"""status: which version serves, what waits, what runs."""

from typing import Any

import typer
from rich.table import Table

from abreast.cli.console import Json, add_command, out, print_json
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast status --json", status)


def status(as_json: Json = False) -> None:
    """Which version serves, what waits, and whether an update runs."""
    fields = status_of(Services.open())
    if as_json:
        print_json(fields)
        return
    table = Table(show_header=False, box=None)
    for field, value in fields.items():
        shown = ", ".join(value) or "none" if isinstance(value, list) else value
        table.add_row(field, str(shown if shown is not None else "none yet"))
    out.print(table)


def status_of(services: Services) -> dict[str, Any]:
    """`champion` (`v3` or None); `waiting`: how many deliveries and drops no update works on; and other counts.

    `review`: the versions that wait for a person.
    """
    from abreast.ledger.process_id import free
    from abreast.lifecycle.intake import arrivals

    ledger, line = services.ledger, services.line
    # Read in the order in which a drop moves, so that a drop that moves meanwhile is counted twice rather than never.
    arrived, waiting, live = arrivals(ledger, services.inbox), ledger.updates.waiting(line), ledger.updates.live(line)
    champion = ledger.promotions.champion(line)
    running = live is not None and not free(live.holder, live.lease_until)
    cut_off = len(live.drops) if live and not running else 0
    return {
        "champion": None if champion is None else f"v{champion}",
        "waiting": len(arrived) + len(waiting) + cut_off,
        "accepted": len(ledger.drops.all("accepted")),
        "quarantined": len(ledger.drops.all("quarantined")),
        "running": int(running),
        "review": [f"v{number}" for number in ledger.reviews.waiting(line)],
    }
