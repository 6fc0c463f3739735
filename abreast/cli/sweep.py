"""sweep: repair what a crash left half done."""

import typer

from abreast.cli.console import add_command, out, print_line
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast sweep", sweep)


def sweep() -> None:
    """Finish or revert what a crash left half done, and carry out the reviews that tags in MLflow ask for."""
    from abreast.lifecycle.promoter import reconcile_promotions
    from abreast.lifecycle.review import reconcile_reviews
    from abreast.lifecycle.review_tags import review_by_tags

    services = Services.open()
    repairs = (reconcile_promotions, reconcile_reviews, review_by_tags)
    repaired = [line for repair in repairs for line in repair(services.ledger, services.registry)]
    for line in repaired:
        print_line(line)
    out.print(f"{len(repaired)} repaired" if repaired else "nothing was half done", highlight=False)
