"""update: learn what waits, now."""

from typing import Annotated

import typer

from abreast.cli.console import Json, add_command, out, print_json
from abreast.cli.progress import show_progress_until
from abreast.core.errors import AbreastError
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast update --json", update)


def update(
    allow_dirty: Annotated[bool, typer.Option(help="Run the commit although files of it are edited.")] = False,
    as_json: Json = False,
) -> None:
    """Learn what waits now, and show the progress; exit code 1 if the run fails."""
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
        show_progress_until(lambda: api.state(run)["type"] in FINAL_STATES, services, "update")
        state = api.state(run)
    else:
        run, state = None, {"type": "COMPLETED", "name": "Completed", "message": "nothing new to learn"}
    if as_json:
        print_json({"run": run, "state": state["name"], "message": state["message"]})
    else:
        out.print(f"{state['name']}: {state['message']}", highlight=False, soft_wrap=True)
    raise typer.Exit(state["type"] != "COMPLETED")
