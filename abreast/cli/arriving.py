"""drop, watch, update: data comes in and is learned."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from abreast.cli.console import Json, command, out, print_json
from abreast.cli.following import follow
from abreast.core.errors import AbreastError
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.inbox.delivery import Delivery
    from abreast.ledger import Update

ENDS = ("promoted", "review", "refused", "failed")


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "abreast drop samples/drops/01-2024-q2 --wait")(drop)
    command(app, "abreast watch")(watch)
    command(app, "abreast update --json")(update)


def drop(
    path: Annotated[Path, typer.Argument(help="A file (.jsonl, .csv, .parquet) or a folder of such files.")],
    name: Annotated[str | None, typer.Option(help="Deliver under another name.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the drop is learned, refused, or left to a reviewer.")] = False,
    as_json: Json = False,
) -> None:
    """Put a drop into the inbox, whole: it is taken in when its marker is there."""
    from abreast.inbox.arrival import deliver

    services = Services.open()
    delivery = deliver(path, services.inbox, name)
    result = {"name": delivery.name, "uri": delivery.uri}
    if wait:
        result |= wait_for(services, delivery)
    if as_json:
        print_json(result)
    else:
        out.print(", ".join(f"{field} {value}" for field, value in result.items() if value), highlight=False)


def wait_for(services: Services, delivery: "Delivery", to_the_end: bool = True) -> dict[str, str | None]:
    """Follow a delivery through intake and, if it was accepted, until an update takes it, or `to_the_end` of that."""
    from abreast.services.prefect_api import PrefectApi

    PrefectApi(services.project.prefect_api).health()
    ledger, update = services.ledger, None
    follow(services, f"{delivery.name}: intake", lambda: ledger.deliveries.seen(delivery.uri, delivery.fingerprint))
    taken = next(d for d in ledger.deliveries.all() if (d.uri, d.fingerprint) == (delivery.uri, delivery.fingerprint))
    if taken.outcome == "accepted":
        follow(services, f"{delivery.name}: update", lambda: _update_of(services, taken.digest, to_the_end) is not None)
        update = _update_of(services, taken.digest, to_the_end)
    mark = ledger.withdrawals.get(services.line, taken.digest) if taken.digest else None
    said = {"digest": taken.digest, "outcome": taken.outcome, "update": update and update.id}
    return said | ({"withdrawn": mark.reason} if mark else {})


def _update_of(services: Services, digest: str, ended: bool) -> "Update | None":
    """The last update that took the drop; if it must have `ended`, none while it goes on."""
    took = [update for update in services.ledger.updates.all(services.line) if digest in update.drops]
    return took[-1] if took and (took[-1].status in ENDS or not ended) else None


def watch() -> None:
    """Watch the inbox for ever, and tell Prefect of each complete arrival; `abreast up` runs this."""
    from abreast.services.watch import watch as watch_inbox

    for line in watch_inbox(Services.open()):
        print(f"{datetime.now():%Y-%m-%d %H:%M:%S} {line}", flush=True)


def update(
    allow_dirty: Annotated[bool, typer.Option(help="Run the commit although files of it are edited.")] = False,
    as_json: Json = False,
) -> None:
    """Learn what waits now, and follow it; says so if nothing is new."""
    from abreast.services.prefect_api import FINAL_STATES, PrefectApi

    services = Services.open()
    if (changed := services.project.uncommitted()) and not allow_dirty:
        raise AbreastError(
            f"uncommitted changes in {', '.join(changed[:5])}: an update runs on a commit and would not see them; "
            "commit them, or pass --allow-dirty to run the commit as it is"
        )
    api, ledger, line = PrefectApi(services.project.prefect_api), services.ledger, services.line
    api.health()
    if ledger.updates.waiting(line) or ledger.updates.live(line):
        run = api.start("update/update")
        follow(services, "update", lambda: api.state(run)["type"] in FINAL_STATES)
        state = api.state(run)
    else:
        run, state = None, {"type": "COMPLETED", "name": "Completed", "message": "nothing new to learn"}
    if as_json:
        print_json({"run": run, "state": state["name"], "message": state["message"]})
    else:
        out.print(f"{state['name']}: {state['message']}", highlight=False, soft_wrap=True)
    raise typer.Exit(state["type"] != "COMPLETED")
