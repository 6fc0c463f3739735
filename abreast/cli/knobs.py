"""knobs: every setting of params.yaml."""

import typer
from rich.table import Table

from abreast.cli.console import Json, add_command, out, print_json
from abreast.core.settings import all_knobs


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast knobs", knobs)


def knobs(as_json: Json = False) -> None:
    """Every knob of params.yaml and what it means."""
    meanings = all_knobs()
    if as_json:
        print_json(meanings)
        return
    table = Table("knob", "meaning", box=None)
    for name, meaning in meanings.items():
        table.add_row(f"[bold]{name}[/]" if "." not in name else f"  {name}", meaning)
    out.print(table)
