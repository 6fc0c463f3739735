"""show: one version in the terminal."""

from typing import TYPE_CHECKING, Annotated

import typer

from abreast.cli.console import Json, add_command, out, print_json, print_line
from abreast.cli.history import history_entry
from abreast.ledger.names import version_number
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.ledger import Version


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast show v3", show)


def show(version: Annotated[str, typer.Argument(help="A version, such as v3.")], as_json: Json = False) -> None:
    """One version: what it learned, its verdict and the reasons, and where it comes from."""
    services = Services.open()
    recorded = services.ledger.versions.get(services.line, version_number(version))
    details = history_entry(services, recorded) | {"digest": recorded.digest, "update": f"u{recorded.update:04d}"}
    details |= {"champion_metrics": recorded.metrics["champion"], "base_metrics": recorded.metrics["base"]}
    if as_json:
        print_json(details)
        return
    out.print(f"[bold]{recorded.name}[/] {recorded.verdict}, {', '.join(details['aliases']) or 'no alias'}")
    for reason in recorded.reasons:
        print_line(f"  {reason}")
    for line in _review_lines(services, recorded):
        print_line(line)
    out.print(
        f"parent {details['parent'] or 'the untrained base'}, update {details['update']}, made {recorded.created_at}"
    )
    print_line(f"digest {recorded.digest}")
    for digest in recorded.drops:
        drop = services.ledger.drops.get(digest)
        print_line(f"drop {digest[:12]} {drop.name}: {drop.accepted} of {drop.rows} rows")


def _review_lines(services: Services, version: "Version") -> list[str]:
    """Every review so far; and, if the version waits for one, how to decide."""
    ledger, name = services.ledger, version.name
    reviews = ledger.reviews.all(version.line, version.number)
    lines = [f"{review.summary} – {review.detail or 'not carried out yet'}" for review in reviews]
    status = ledger.versions.status(version.line, version.number)
    if status.update_status == "review":
        lines.append(f"waits for review: abreast approve {name} --reason ..., or abreast reject {name} --reason ...")
        if status.stale:
            lines.append("the champion has changed since it was judged: if approved, its drops are learned again")
    return lines
