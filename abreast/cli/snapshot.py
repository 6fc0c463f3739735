"""snapshot: the inputs of an update in the working tree, for `dvc repro` without any server."""

from typing import Annotated

import typer

from abreast.cli.console import Json, add_command, out, print_json
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast snapshot u0003 && dvc repro", snapshot)


def snapshot(
    update: Annotated[
        str | None, typer.Argument(help="An update to repeat, such as u0003; else what waits now.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put the inputs of an update into the working tree, so that `dvc repro` and `dvc exp run` work on them."""
    from abreast.lifecycle.local_snapshot import lay_snapshot

    services = Services.open()
    written = lay_snapshot(services.project, services.ledger, update)
    if as_json:
        print_json(written.model_dump())
    else:
        parent = written.parent.version if written.parent else "the untrained base"
        out.print(f"snapshot.json: {len(written.drops)} drops on {parent}; now run `dvc repro`", highlight=False)
