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
from abreast.services.project import Project

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

    project = Project.open()
    if not (project.root / DROPS).is_dir():
        raise AbreastError(f"{project.root / DROPS}: no such folder; the demo learns the samples of the repository")
    with out.status("starting") as status:
        start_services(project, lambda what: status.update(f"waiting for the {what}"))
    learned, waiting = [], []
    for names in ROUNDS:
        new = _deliver(project, names)
        _print_settled(project, waiting)
        learned, waiting = learned + new, new
    _print_settled(project, waiting)
    if not learned:
        out.print("nothing new: every sample drop was taken before")
    print_history(project)
    _print_quarantine(project)
    if learned:
        _print_answers(project)
    print_addresses(project)
    out.print(f"two quarters are left for you to deliver: abreast drop {DROPS / NEXT} --wait", highlight=False)


def _deliver(project: Project, names: tuple[str, ...]) -> "list[Delivery]":
    """Deliver what is new of a round, and return when an update is at work on it: the next round's intake overlaps."""
    from abreast.inbox.arrival import deliver

    deliveries = [deliver(project.root / DROPS / name, project.inbox) for name in names]
    new = [d for d in deliveries if not project.ledger.seen(d.uri, d.fingerprint)]
    for delivery in new:
        wait_for(project, delivery, to_the_end=False)
    return new


def _print_settled(project: Project, deliveries: "list[Delivery]") -> None:
    """Wait for the end of each delivery's update, and say how it ended."""
    for delivery in deliveries:
        settled = wait_for(project, delivery)
        end = "nothing trained"
        if settled["update"]:
            update = project.ledger.update(settled["update"])
            end = f"{update.id} {update.status}" + (f": {update.reason}" if update.reason else "")
        out.print(f"{delivery.name}: {settled['outcome']}, {end}", highlight=False)


def _print_quarantine(project: Project) -> None:
    for drop in project.ledger.drops("quarantined"):
        out.print(f"\n[yellow]quarantined[/] {drop.name}, nothing of it was trained:", highlight=False)
        for reason in drop.reasons[:4]:
            out.print(f"  {reason}", highlight=False, markup=False)
        if len(drop.reasons) > 4:
            out.print(f"  and {len(drop.reasons) - 4} more in {project.home.quarantine / drop.digest[:12]}")


def _print_answers(project: Project) -> None:
    """What the untrained base, the first version and the champion answer to the same questions."""
    from abreast.inference.predictor import load_answerers
    from abreast.serving.ask import model_folder

    ledger, line = project.ledger, project.params.model.name
    numbers = sorted({ledger.served(line)[0], ledger.champion(line)})
    with out.status("asking"):
        folders = {f"v{n}": model_folder(project, n)[1] for n in numbers}
        answerers = load_answerers({"untrained base": None, **folders}, project.params.model)
        columns = [answerer.answer(list(QUESTIONS)) for answerer in answerers.values()]
    table = Table("question", *answerers, title="\nbefore and after")
    for question, *answers in zip(QUESTIONS, *columns, strict=True):
        table.add_row(question, *(answer.splitlines()[0][:40] if answer else "" for answer in answers))
    out.print(table)
