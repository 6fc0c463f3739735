"""drift: whether new data resembles what the champion was trained on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from abreast.cli.console import Json, add_command, print_json
from abreast.core.errors import AbreastError
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.evaluation.drift.comparison import DriftResult

DRIFT_EXIT_CODE = 3


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast drift --live questions.jsonl", drift)


def drift(
    drop: Annotated[str | None, typer.Argument(help="An accepted drop (name or digest), or a file or folder.")] = None,
    live: Annotated[Path | None, typer.Option(help="Logged questions; without it, the knob `drift.live_log`.")] = None,
    as_json: Json = False,
) -> None:
    """Compare a drop, or live questions, with what the champion was trained on; exit code 3 if drift is shown."""
    from abreast.evaluation.drift.comparison import drift_report

    result = _compare(Services.open(), drop, live)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        typer.echo(drift_report(result))
    if result.shown:
        raise typer.Exit(DRIFT_EXIT_CODE)


def _compare(services: Services, drop: str | None, live: Path | None) -> "DriftResult":
    from abreast.lifecycle.drift import drift_of_drop, drift_of_files, drift_of_live

    project, ledger = services.project, services.ledger
    if drop is not None and live is not None:
        raise AbreastError("give a drop or --live, not both")
    if drop is not None:
        accepted = [one for one in ledger.drops.all("accepted") if drop == one.name or one.digest.startswith(drop)]
        if accepted:
            return drift_of_drop(project, ledger, accepted[-1])
        return drift_of_files(project, ledger, Path(drop))
    knob = project.params.drift.live_log
    if live is None and knob is None:
        raise AbreastError("name a drop, or a log of questions with --live or the knob `drift.live_log`")
    return drift_of_live(project, ledger, live or project.root / knob)
