"""history: every version, with its verdict and measures."""

from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from abreast.cli.console import Json, add_command, format_decimal, format_percent, out, print_json
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.ledger import Version

REVIEW_FIELDS = {"decision", "reason", "reviewer", "channel", "champion", "outcome", "detail", "created_at"}
MEASURES = ("current_exact_match", "retained_exact_match", "stale_rate", "general_perplexity")


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast history --json", history)


def history(as_json: Json = False) -> None:
    """All versions, oldest first, with verdicts and measures."""
    services = Services.open()
    if as_json:
        print_json(history_of(services))
    else:
        print_history(services)


def history_of(services: Services) -> list[dict[str, Any]]:
    """One entry per version, with stable field names."""
    return [history_entry(services, version) for version in services.ledger.versions.all(services.line)]


def history_entry(services: Services, version: "Version") -> dict[str, Any]:
    """A version as scripts see it."""
    ledger, line = services.ledger, services.line
    aliases = {"champion": ledger.promotions.champion(line), "previous": ledger.promotions.previous(line)}
    return {
        "version": version.name,
        "verdict": version.verdict,
        "reasons": list(version.reasons),
        "status": ledger.versions.status(line, version.number).update_status,
        "reviews": [
            one.model_dump(include=REVIEW_FIELDS, by_alias=True) for one in ledger.reviews.all(line, version.number)
        ],
        "aliases": [alias for alias, number in aliases.items() if number == version.number],
        "parent": None if version.parent is None else f"v{version.parent}",
        "drops": list(version.drops),
        "metrics": {measure: version.metrics["candidate"].get(measure) for measure in MEASURES},
        "created_at": version.created_at,
    }


def print_history(services: Services) -> None:
    """The versions as a table, with the untrained base beside each candidate."""
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
            f"[{colour}]{shown['verdict']}[/]{_review_note(shown)}",
            *(format_percent(measured[measure]) for measure in MEASURES[:3]),
            format_decimal(measured["general_perplexity"]),
            format_percent(base["current_exact_match"]),
            ", ".join(shown["aliases"]),
        )
    out.print(table)


def _review_note(shown: dict[str, Any]) -> str:
    """What follows the verdict in the table: that it waits, or what came of the last review."""
    if shown["status"] == "review":
        return ", [bold]waits for review[/]"
    return f", {shown['reviews'][-1]['outcome']} by review" if shown["reviews"] else ""
