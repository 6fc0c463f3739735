"""drop: deliver new data, and follow what becomes of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from abreast.cli.console import Json, add_command, out, print_json
from abreast.cli.progress import show_progress_until
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.inbox.delivery import Delivery
    from abreast.ledger import Update

ENDED = ("promoted", "review", "refused", "failed")


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast drop samples/drops/01-2024-q2 --wait", drop)


def drop(
    path: Annotated[Path, typer.Argument(help="A file (.jsonl, .csv, .parquet) or a folder of such files.")],
    name: Annotated[str | None, typer.Option(help="Deliver under another name.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the drop is learned, refused, or left to a reviewer.")] = False,
    as_json: Json = False,
) -> None:
    """Copy a drop into the inbox; intake takes it when it is complete."""
    from abreast.inbox.open_inbox import deliver

    services = Services.open()
    delivery = deliver(path, services.inbox, name)
    result = {"name": delivery.name, "uri": delivery.uri}
    if wait:
        result |= wait_for_delivery(services, delivery)
    if as_json:
        print_json(result)
    else:
        out.print(", ".join(f"{field} {value}" for field, value in result.items() if value), highlight=False)


def wait_for_delivery(
    services: Services, delivery: "Delivery", until_update_ends: bool = True
) -> dict[str, str | None]:
    """Show progress through intake and, if the drop is accepted, until an update takes it, or has ended."""
    from abreast.services.prefect_api import PrefectApi

    PrefectApi(services.project.prefect_api).health()
    ledger, update, name = services.ledger, None, delivery.name
    show_progress_until(lambda: ledger.deliveries.seen(delivery.uri, delivery.fingerprint), services, f"{name}: intake")
    taken = next(d for d in ledger.deliveries.all() if (d.uri, d.fingerprint) == (delivery.uri, delivery.fingerprint))
    if taken.outcome == "accepted":

        def find_update() -> "Update | None":
            return _update_of(services, taken.digest, until_update_ends)

        show_progress_until(lambda: find_update() is not None, services, f"{name}: update")
        update = find_update()
    result = {"digest": taken.digest, "outcome": taken.outcome, "update": update and update.id}
    withdrawal = ledger.withdrawals.get(services.line, taken.digest) if taken.digest else None
    return result | ({"withdrawn": withdrawal.reason} if withdrawal else {})


def _update_of(services: Services, digest: str, ended: bool) -> "Update | None":
    """The last update that took the drop; if it must have `ended`, None while it runs."""
    took = [update for update in services.ledger.updates.all(services.line) if digest in update.drops]
    return took[-1] if took and (took[-1].status in ENDED or not ended) else None
