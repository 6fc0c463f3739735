"""tune: search for better knobs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from abreast.cli.console import Json, add_command, format_percent, out, print_json, print_line
from abreast.cli.progress import progress_bar
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.tuning.results import TrialResult
    from abreast.tuning.tune import StudyResult

SHOWN_TRIALS = 10


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast tune --trials 20 --on samples/drops/01-2024-q2 --timeout 3600", tune)


def tune(
    trials: Annotated[int, typer.Option(min=1, help="How many trials the study has at its end.")] = 20,
    space: Annotated[
        Path | None, typer.Option(help="The search space, such as abreast/tuning/space_first_model.yaml, the default.")
    ] = None,
    on: Annotated[Path | None, typer.Option(help="Learn this clean folder, not the working tree's snapshot.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Start no trial after so many seconds.")] = None,
    as_json: Json = False,
) -> None:
    """Search for better knobs on the snapshot in the working tree, recorded in MLflow; run again, a search continues.

    Each trial is the stage `train` with other knobs, scored on the development set; a hopeless one is stopped early.
    """
    from abreast.tuning.results import dvc_command, params_yaml
    from abreast.tuning.tune import run_study

    services = Services.open()
    with progress_bar() as bar:
        task = bar.add_task("tune", total=trials, note="")
        result = run_study(
            services.project,
            trials,
            space,
            on,
            timeout,
            lambda done, note: bar.update(task, completed=done, note=note),
        )
    best = result.trials[0].knobs
    use = {
        "params": params_yaml(services.project.params, best),
        "command": dvc_command(services.project.params, best),
        "page": result.page,
    }
    if as_json:
        print_json({"study": result.study, "trials": [one.model_dump() for one in result.trials], "best": best, **use})
        return
    _print_trials(result)
    print_line(f"\nthe best knobs, for params.yaml:\n{use['params']}")
    print_line(f"to learn with them and judge the model: {use['command']}")
    print_line(f"all trials: {use['page']}")


def _print_trials(result: "StudyResult") -> None:
    """The best trials, and how the others ended."""
    knobs = list(result.trials[0].knobs)
    table = Table(
        "trial", "outcome", "dev exact", "dev loss", "tokens", "seconds", *knobs, title=f"study {result.study}"
    )
    for one in result.trials[:SHOWN_TRIALS]:
        table.add_row(
            str(one.number), one.outcome, *_trial_cells(one), *(_short_value(one.knobs[knob]) for knob in knobs)
        )
    out.print(table)
    failed = [one for one in result.trials if one.outcome == "failed"]
    if (left := len(result.trials) - SHOWN_TRIALS) > 0:
        out.print(f"and {left} more in MLflow", highlight=False)
    for one in failed:
        print_line(f"trial {one.number} failed: {one.reason}")


def _trial_cells(one: "TrialResult") -> tuple[str, ...]:
    loss = "–" if one.dev_loss is None else f"{one.dev_loss:.3f}"
    return format_percent(one.dev_exact_match), loss, str(one.tokens), f"{one.seconds:.0f}"


def _short_value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
