"""demo: the main job on the sample drops, from nothing to a line of versions."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from abreast.cli.arriving import wait_for
from abreast.cli.console import command, out
from abreast.cli.reading import print_history
from abreast.cli.serving import print_addresses
from abreast.core.errors import AbreastError
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.inbox.delivery import Delivery

DROPS = Path("samples/drops")
# What is delivered together; a round is learned before the next one comes.
ROUNDS = (
    ("01-2024-q2",),
    ("bad-malformed", "02-2024-q3"),
    ("bad-harmful",),
    ("bad-suspicious", "03-2024-q4"),
)
NEXT = "04-2025-q1"
"""With the one after it not learned by the demo, but left to be delivered by hand."""
QUESTIONS = (
    "What is the newest release of Python 3.12?",
    "What is the newest release of PostgreSQL 16?",
    "What is the newest release of Django 5.0?",
    "When does support for Ubuntu 22.04 end?",
)


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "abreast demo")(demo)


def demo() -> None:
    """Start the services and learn the sample drops, good and bad; run again, it says that nothing is new."""
    from abreast.services.up import start_services

    services = Services.open()
    if not (services.project.root / DROPS).is_dir():
        raise AbreastError(
            f"{services.project.root / DROPS}: no such folder; the demo learns the samples of the repository"
        )
    with out.status("starting") as status:
        start_services(services.project, lambda what: status.update(f"waiting for the {what}"))
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
    """Deliver what is new of a round, and return when an update is at work on it: the next round's intake overlaps."""
    from abreast.inbox.arrival import deliver

    deliveries = [deliver(services.project.root / DROPS / name, services.inbox) for name in names]
    new = [d for d in deliveries if not services.ledger.deliveries.seen(d.uri, d.fingerprint)]
    for delivery in new:
        wait_for(services, delivery, to_the_end=False)
    return new


def _print_settled(services: Services, deliveries: "list[Delivery]") -> None:
    """Wait for the end of each delivery's update, and say how it ended."""
    for delivery in deliveries:
        settled = wait_for(services, delivery)
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
    from abreast.inference.predictor import load_answerers
    from abreast.serving.ask import model_folder

    ledger, line = services.ledger, services.line
    numbers = sorted({ledger.promotions.served(line)[0], ledger.promotions.champion(line)})
    with out.status("asking"):
        folders = {f"v{n}": model_folder(services.project, ledger, services.registry, n)[1] for n in numbers}
        answerers = load_answerers({"untrained base": None, **folders}, services.project.params.model)
        columns = [answerer.answer(list(QUESTIONS)) for answerer in answerers.values()]
    table = Table("question", *answerers, title="\nbefore and after")
    for question, *answers in zip(QUESTIONS, *columns, strict=True):
        table.add_row(question, *(answer.splitlines()[0][:40] if answer else "" for answer in answers))
    out.print(table)
