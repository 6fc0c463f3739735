"""demo: the whole loop on the sample drops, from nothing to several versions."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from abreast.cli.console import add_command, out
from abreast.cli.drop import wait_for_delivery
from abreast.cli.history import print_history
from abreast.cli.up import print_addresses
from abreast.core.errors import AbreastError
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.inbox.delivery import Delivery

DROPS = Path("samples/drops")
# The drops of a round are delivered together; the next round follows when an update is at work on them.
ROUNDS = (
    ("01-2024-q2",),
    ("bad-malformed", "02-2024-q3"),
    ("bad-harmful",),
    ("bad-suspicious", "03-2024-q4"),
)
NEXT = "04-2025-q1"
"""This drop and the one after it are left for the user to deliver."""
QUESTIONS = (
    "What is the newest release of Python 3.12?",
    "What is the newest release of PostgreSQL 16?",
    "What is the newest release of Django 5.0?",
    "When does support for Ubuntu 22.04 end?",
)


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast demo", demo)


def demo() -> None:
    """Start the services and learn the sample drops, good and bad; a second run finds nothing new."""
    from abreast.services.up import start_services

    services = Services.open()
    if not (services.project.root / DROPS).is_dir():
        raise AbreastError(
            f"{services.project.root / DROPS}: no such folder; the demo learns the samples of the repository"
        )
    with out.status("starting") as status:
        start_services(services.project, lambda program: status.update(f"waiting for the {program}"))
    learned, waiting = [], []
    for names in ROUNDS:
        new = _deliver(services, names)
        _print_settled(services, waiting)
        learned, waiting = learned + new, new
    _print_settled(services, waiting)
    if not learned:
        out.print("nothing new: every sample drop was taken before")
    print_history(services)
    _print_quarantine(services)
    if learned:
        _print_answers(services)
    print_addresses(services)
    out.print(f"two quarters are left for you to deliver: abreast drop {DROPS / NEXT} --wait", highlight=False)


def _deliver(services: Services, names: tuple[str, ...]) -> "list[Delivery]":
    """Deliver the new drops of a round, and return when an update works on them, so that the next intake overlaps."""
    from abreast.inbox.open_inbox import deliver

    deliveries = [deliver(services.project.root / DROPS / name, services.inbox) for name in names]
    new = [d for d in deliveries if not services.ledger.deliveries.seen(d.uri, d.fingerprint)]
    for delivery in new:
        wait_for_delivery(services, delivery, until_update_ends=False)
    return new


def _print_settled(services: Services, deliveries: "list[Delivery]") -> None:
    """Wait for the end of each delivery's update, and print how it ended."""
    for delivery in deliveries:
        settled = wait_for_delivery(services, delivery)
        end = "nothing trained"
        if settled["update"]:
            update = services.ledger.updates.get(settled["update"])
            end = f"{update.id} {update.status}" + (f": {update.reason}" if update.reason else "")
        out.print(f"{delivery.name}: {settled['outcome']}, {end}", highlight=False)


def _print_quarantine(services: Services) -> None:
    for drop in services.ledger.drops.all("quarantined"):
        out.print(f"\n[yellow]quarantined[/] {drop.name}, nothing of it was trained:", highlight=False)
        for reason in drop.reasons[:4]:
            out.print(f"  {reason}", highlight=False, markup=False)
        if len(drop.reasons) > 4:
            out.print(f"  and {len(drop.reasons) - 4} more in {services.project.home.quarantine / drop.digest[:12]}")


def _print_answers(services: Services) -> None:
    """What the untrained base, the first version and the champion answer to the same questions."""
    from abreast.serving.loaded_version import fetch_version, load_together

    ledger, line = services.ledger, services.line
    numbers = sorted({ledger.promotions.served(line)[0], ledger.promotions.champion(line)})
    with out.status("asking"):
        folders = {f"v{n}": fetch_version(services.project, ledger, services.registry, n)[1] for n in numbers}
        versions = load_together(services.project, {"untrained base": None, **folders})
        columns = [version.answer(QUESTIONS) for version in versions]
    table = Table("question", *(version.name for version in versions), title="\nbefore and after")
    for question, *answers in zip(QUESTIONS, *columns, strict=True):
        table.add_row(question, *(answer.splitlines()[0][:40] if answer else "" for answer in answers))
    out.print(table)
