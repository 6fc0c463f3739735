"""approve, reject: a person decides on a version that waits."""

from typing import Annotated, Literal

import typer

from abreast.cli.console import Json, command, out, print_json
from abreast.ledger.names import version_number
from abreast.services.services import Services

Version = Annotated[str, typer.Argument(help="A version that waits for review, such as v3 (`abreast status`).")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded with your name.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, 'abreast approve v3 --reason "all ten changed answers are better"')(approve)
    command(app, 'abreast reject v3 --reason "the dates of Debian are wrong"')(reject)


def approve(version: Version, reason: Reason, as_json: Json = False) -> None:
    """Put a version into service that waits for review; exit code 1 if it did not come to that.

    If another champion serves by now than the version was judged against, what it learned is learned and judged again.
    """
    _review(version, "approve", reason, as_json)


def reject(version: Version, reason: Reason, as_json: Json = False) -> None:
    """Refuse a version that waits for review; the champion is left alone."""
    _review(version, "reject", reason, as_json)


def _review(version: str, decision: Literal["approve", "reject"], reason: str, as_json: bool) -> None:
    from getpass import getuser

    from abreast.lifecycle.review import review

    services, number = Services.open(), version_number(version)
    done = review(
        services.ledger, services.registry, number, decision, reason=reason, reviewer=getuser(), door="command"
    )
    if as_json:
        print_json(done.model_dump(exclude={"id", "shown"}) | {"version": f"v{done.version}"})
    else:
        out.print(f"{done.outcome}: {done.detail}", highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(done.outcome not in ("promoted", "rejected"))
