"""approve, reject: a person decides on a version that waits."""

from typing import Annotated, Literal

import typer

from abreast.cli.console import Json, add_command, print_json, print_line
from abreast.ledger.names import version_number
from abreast.services.services import Services

Version = Annotated[str, typer.Argument(help="A version that waits for review, such as v3 (`abreast status`).")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded with your name.")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    add_command(app, 'abreast approve v3 --reason "all ten changed answers are better"', approve)
    add_command(app, 'abreast reject v3 --reason "the dates of Debian are wrong"', reject)


def approve(version: Version, reason: Reason, as_json: Json = False) -> None:
    """Put a version that waits for review into service; exit code 1 if it does not end up there.

    If the champion has changed since the version was judged, its drops are learned and judged again.
    """
    _decide(version, "approve", reason, as_json)


def reject(version: Version, reason: Reason, as_json: Json = False) -> None:
    """Refuse a version that waits for review; the champion is left alone."""
    _decide(version, "reject", reason, as_json)


def _decide(version: str, decision: Literal["approve", "reject"], reason: str, as_json: bool) -> None:
    from getpass import getuser

    from abreast.lifecycle.review import review

    services, number = Services.open(), version_number(version)
    done = review(
        services.ledger, services.registry, number, decision, reason=reason, reviewer=getuser(), channel="command"
    )
    if as_json:
        print_json(done.model_dump(exclude={"id", "shown"}) | {"version": f"v{done.version}"})
    else:
        print_line(f"{done.outcome}: {done.detail}")
    raise typer.Exit(done.outcome not in ("promoted", "rejected"))
