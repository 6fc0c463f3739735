"""snapshot, knobs: for the data scientist at the desk, without any server."""

from typing import Annotated

import typer
from rich.table import Table

from abreast.cli.console import Json, command, out, print_json
from abreast.core.settings import all_knobs
from abreast.services.services import Services


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "abreast snapshot u0003 && dvc repro")(snapshot)
    command(app, "abreast knobs")(knobs)


def snapshot(
    update: Annotated[
        str | None, typer.Argument(help="An update to repeat, such as u0003; else what waits now.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Lay the inputs of an update into the working tree, so that `dvc repro` and `dvc exp run` work on them."""
    from abreast.lifecycle.local_snapshot import lay_snapshot

    services = Services.open()
    laid = lay_snapshot(services.project, services.ledger, update)
    if as_json:
        print_json(laid.model_dump())
    else:
        parent = laid.parent.version if laid.parent else "the untrained base"
        out.print(f"snapshot.json: {len(laid.drops)} drops on {parent}; now run `dvc repro`", highlight=False)


def knobs(as_json: Json = False) -> None:
    """Every knob of params.yaml and what it means."""
    known = all_knobs()
    if as_json:
        print_json(known)
        return
    table = Table("knob", "meaning", box=None)
    for name, meaning in known.items():
        table.add_row(f"[bold]{name}[/]" if "." not in name else f"  {name}", meaning)
    out.print(table)
