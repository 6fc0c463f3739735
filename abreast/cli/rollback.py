"""rollback, reinstate: return to an earlier version, and take a withdrawn drop in again."""

from getpass import getuser
from typing import Annotated

import typer

from abreast.cli.console import Json, add_command, out, print_json, print_line
from abreast.core.errors import AbreastError
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    add_command(app, 'abreast rollback --poisoned bad-harmful --reason "a join gone wrong"', rollback)
    add_command(app, 'abreast reinstate bad-harmful --reason "it was right"', reinstate)


def rollback(
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    poisoned: Annotated[
        str | None,
        typer.Option(
            metavar="DROP",
            help="Withdraw this drop (name or digest), and return to the last champion that had not learned it; "
            "the next update learns everything else again.",
        ),
    ] = None,
    leaving: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Only if this version serves; otherwise nothing moves."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Return at once to the version that served before; of the servers only MLflow is needed."""
    from abreast.lifecycle.rollback import roll_back, withdraw_drop

    if poisoned is not None and leaving is not None:
        raise AbreastError("give --leaving or --poisoned, not both: a withdrawn drop determines which version is left")
    services = Services.open()
    if poisoned is None:
        back = roll_back(services.ledger, services.registry, leaving, reason, getuser())
    else:
        back = withdraw_drop(services.ledger, services.registry, poisoned, reason, getuser())
    if as_json:
        print_json(back.fields())
    else:
        print_line(back.message)


def reinstate(
    drop: Annotated[str, typer.Argument(help="A withdrawn drop, by name or digest.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    as_json: Json = False,
) -> None:
    """Cancel the withdrawal of a drop, so that the next update learns it."""
    from abreast.lifecycle.rollback import reinstate_drop

    services = Services.open()
    found, waits = reinstate_drop(services.ledger, services.line, drop, reason, getuser())
    if as_json:
        print_json({"name": found.name, "digest": found.digest, "waits": waits})
    else:
        end = "it waits for the next update" if waits else "the champion knows it still"
        out.print(f"{found.name} ({found.digest[:12]}) is reinstated; {end}", highlight=False, soft_wrap=True)
