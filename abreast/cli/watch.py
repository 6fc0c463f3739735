"""watch: announce each complete arrival in the inbox."""

from datetime import datetime

import typer

from abreast.cli.console import add_command
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast watch", watch)


def watch() -> None:
    """Watch the inbox for ever, and announce each complete arrival to Prefect; `abreast up` runs this."""
    from abreast.services.watch import watch_inbox

    for line in watch_inbox(Services.open()):
        print(f"{datetime.now():%Y-%m-%d %H:%M:%S} {line}", flush=True)
