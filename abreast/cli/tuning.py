"""tune: a search for better knobs, at the desk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from abreast.cli.console import Json, command, out, percent, print_json
from abreast.cli.following import bar
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.tuning.results import Tried
    from abreast.tuning.tune import Found

SHOWN = 10


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "abreast tune --trials 20 --on samples/drops/01-2024-q2 --timeout 3600")(tune)


def tune(
    trials: Annotated[int, typer.Option(min=1, help="So many trials the study shall have in the end.")] = 20,
    space: Annotated[
        Path | None, typer.Option(help="The search space, such as abreast/tuning/first.yaml, the default.")
    ] = None,
    on: Annotated[Path | None, typer.Option(help="Learn this clean folder, not the snapshot at the desk.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Begin no trial after so many seconds.")] = None,
    as_json: Json = False,
) -> None:
    """Search for better knobs on the snapshot at the desk, recorded in MLflow; a search that was cut off goes on.

    Each trial is the stage `train` with other knobs, judged by the development set; what is hopeless is stopped early.
    """
    from abreast.tuning.results import command as run_with
    from abreast.tuning.results import fragment
    from abreast.tuning.tune import tune as search

    services = Services.open()
    with bar() as progress:
        task = progress.add_task("tune", total=trials, note="")
        found = search(
            services.project,
            trials,
            space,
            on,
            timeout,
            lambda done, note: progress.update(task, completed=done, note=note),
        )
    best = found.trials[0].knobs
    use = {
        "params": fragment(services.project.params, best),
        "command": run_with(services.project.params, best),
        "page": found.page,
    }
    if as_json:
        print_json({"study": found.study, "trials": [one.model_dump() for one in found.trials], "best": best, **use})
        return
    _print_table(found)
    out.print(f"\nthe best knobs, for params.yaml:\n{use['params']}", highlight=False, markup=False)
    out.print(
        f"to learn with them and judge the model: {use['command']}", highlight=False, markup=False, soft_wrap=True
    )
    out.print(f"all trials: {use['page']}", highlight=False, markup=False, soft_wrap=True)


def _print_table(found: "Found") -> None:
    """The best trials, and how the others ended."""
    knobs = list(found.trials[0].knobs)
    table = Table(
        "trial", "outcome", "dev exact", "dev loss", "tokens", "seconds", *knobs, title=f"study {found.study}"
    )
    for one in found.trials[:SHOWN]:
        table.add_row(str(one.number), one.outcome, *_figures(one), *(_short(one.knobs[knob]) for knob in knobs))
    out.print(table)
    failed = [one for one in found.trials if one.outcome == "failed"]
    if (left := len(found.trials) - SHOWN) > 0:
        out.print(f"and {left} more in MLflow", highlight=False)
    for one in failed:
        out.print(f"trial {one.number} failed: {one.reason}", highlight=False, markup=False, soft_wrap=True)


def _figures(one: "Tried") -> tuple[str, ...]:
    loss = "–" if one.dev_loss is None else f"{one.dev_loss:.3f}"
    return percent(one.dev_exact_match), loss, str(one.tokens), f"{one.seconds:.0f}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
