"""status, history, show: what is, what was, and why."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from abreast.cli.console import Json, command, figure, out, percent, print_json
from abreast.ledger.names import version_number
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.ledger import Version

REVIEW = {"decision", "reason", "reviewer", "door", "champion", "outcome", "detail", "created_at"}
MEASURES = ("current_exact_match", "retained_exact_match", "stale_rate", "general_perplexity")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "abreast status --json")(status)
    command(app, "abreast history --json")(history)
    command(app, "abreast show v3")(show)


def status(as_json: Json = False) -> None:
    """Which version serves, what waits, and whether an update runs."""
    services = Services.open()
    found = status_of(services)
    if as_json:
        print_json(found)
        return
    table = Table(show_header=False, box=None)
    for field, value in found.items():
        shown = ", ".join(value) or "none" if isinstance(value, list) else value
        table.add_row(field, str(shown if shown is not None else "none yet"))
    out.print(table)


def status_of(services: Services) -> dict[str, Any]:
    """`champion` (`v3` or None); `waiting`: deliveries and drops that no update is at work on; and counts.

    `review`: the versions that wait for a person.
    """
    from abreast.ledger.process_id import free
    from abreast.lifecycle.intake import arrivals

    ledger, line = services.ledger, services.line
    # In the order in which a drop moves on, so that one which moves meanwhile is seen twice rather than never.
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


def history(as_json: Json = False) -> None:
    """All versions, oldest first, with verdicts and measures."""
    services = Services.open()
    if as_json:
        print_json(history_of(services))
    else:
        print_history(services)


def history_of(services: Services) -> list[dict[str, Any]]:
    """One entry a version, with stable field names."""
    versions = services.ledger.versions.all(services.line)
    return [entry(services, version) for version in versions]


def entry(services: Services, version: "Version") -> dict[str, Any]:
    """A version as scripts see it."""
    ledger, line = services.ledger, services.line
    aliases = {"champion": ledger.promotions.champion(line), "previous": ledger.promotions.previous(line)}
    return {
        "version": version.name,
        "verdict": version.verdict,
        "reasons": list(version.reasons),
        "status": ledger.versions.status(line, version.number).status,
        "reviews": [one.model_dump(include=REVIEW) for one in ledger.reviews.all(line, version.number)],
        "aliases": [alias for alias, number in aliases.items() if number == version.number],
        "parent": None if version.parent is None else f"v{version.parent}",
        "drops": list(version.drops),
        "metrics": {measure: version.metrics["candidate"].get(measure) for measure in MEASURES},
        "created_at": version.created_at,
    }


def print_history(services: Services) -> None:
    """The versions as a table, with the untrained base and the champion of the time beside each candidate."""
    table = Table(
        "version", "drops", "verdict", "current", "retained", "stale", "perplexity", "base: current", "aliases"
    )
    names = {drop.digest: drop.name for drop in services.ledger.drops.all()}
    for version, shown in zip(services.ledger.versions.all(services.line), history_of(services), strict=True):
        base, measured = version.metrics["base"], shown["metrics"]
        colour = {"pass": "green", "fail": "red"}.get(shown["verdict"], "yellow")
        table.add_row(
            shown["version"],
            ", ".join(names[digest] for digest in shown["drops"]),
            f"[{colour}]{shown['verdict']}[/]{_reviewed(shown)}",
            *(percent(measured[measure]) for measure in MEASURES[:3]),
            figure(measured["general_perplexity"]),
            percent(base["current_exact_match"]),
            ", ".join(shown["aliases"]),
        )
    out.print(table)


def _reviewed(shown: dict[str, Any]) -> str:
    """What follows the verdict in the table: that it waits, or what came of the last review."""
    if shown["status"] == "review":
        return ", [bold]waits for review[/]"
    return f", {shown['reviews'][-1]['outcome']} by review" if shown["reviews"] else ""


def show(version: Annotated[str, typer.Argument(help="A version, such as v3.")], as_json: Json = False) -> None:
    """One version: what it learned, how it was judged and why, and where it comes from."""
    services = Services.open()
    found = services.ledger.versions.get(services.line, version_number(version))
    details = entry(services, found) | {"digest": found.digest, "update": f"u{found.update:04d}"}
    details |= {"champion_metrics": found.metrics["champion"], "base_metrics": found.metrics["base"]}
    if as_json:
        print_json(details)
        return
    out.print(f"[bold]{found.name}[/] {found.verdict}, {', '.join(details['aliases']) or 'no alias'}")
    for reason in found.reasons:
        out.print(f"  {reason}", highlight=False, soft_wrap=True)
    for line in _review_lines(services, found):
        out.print(line, highlight=False, soft_wrap=True, markup=False)
    out.print(
        f"parent {details['parent'] or 'the untrained base'}, update {details['update']}, made {found.created_at}"
    )
    out.print(f"digest {found.digest}", highlight=False)
    for digest in found.drops:
        drop = services.ledger.drops.get(digest)
        out.print(f"drop {digest[:12]} {drop.name}: {drop.accepted} of {drop.rows} rows", highlight=False)


def _review_lines(services: Services, version: "Version") -> list[str]:
    """That it waits for review and how to decide, and every review that there was."""
    ledger, name = services.ledger, version.name
    said = [
        f"{one.said} – {one.detail or 'not carried out yet'}"
        for one in ledger.reviews.all(version.line, version.number)
    ]
    standing = ledger.versions.status(version.line, version.number)
    if standing.status == "review":
        said.append(f"waits for review: abreast approve {name} --reason ..., or abreast reject {name} --reason ...")
        if standing.stale:
            said.append("another champion serves than it was judged against: approved, its drops are learned again")
    return said
