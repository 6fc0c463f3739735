"""rollback, reinstate: the way back, and from it."""

from getpass import getuser
from typing import Annotated

import typer

from abreast.cli.console import Json, command, out, print_json
from abreast.core.errors import AbreastError
from abreast.services.services import Services


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, 'abreast rollback --poisoned bad-harmful --reason "a join gone wrong"')(rollback)
    command(app, 'abreast reinstate bad-harmful --reason "it was right"')(reinstate)


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
        typer.Option(metavar="VERSION", help="Only if this version serves; if it was left meanwhile, that is told."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Return to the version that served before, at once and without any server but MLflow."""
    from abreast.lifecycle.rollback import roll_back, withdraw

    if poisoned is not None and leaving is not None:
        raise AbreastError("give --leaving or --poisoned, not both: a withdrawn drop says by itself what is left")
    services, who = Services.open(), getuser()
    back = roll_back(services, leaving, reason, who) if poisoned is None else withdraw(services, poisoned, reason, who)
    if as_json:
        print_json(back.fields())
    else:
        out.print(back.said, highlight=False, markup=False, soft_wrap=True)


def reinstate(
    drop: Annotated[str, typer.Argument(help="A withdrawn drop, by name or digest.")],
    reason: Annotated[str, typer.Option(help="Why; it is recorded.")],
    as_json: Json = False,
) -> None:
    """Take the mark of a withdrawn drop away, so that the next update learns it."""
    from abreast.lifecycle.rollback import reinstate as lift

    services = Services.open()
    found, waits = lift(services.ledger, services.line, drop, reason, getuser())
    if as_json:
        print_json({"name": found.name, "digest": found.digest, "waits": waits})
    else:
        end = "it waits for the next update" if waits else "the champion knows it still"
        out.print(f"{found.name} ({found.digest[:12]}) is reinstated; {end}", highlight=False, soft_wrap=True)
