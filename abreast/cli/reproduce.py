"""reproduce: prove that a version can be restored and trained again."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from abreast.cli.console import Json, add_command, err, print_json, print_line, stdout_for_data
from abreast.ledger.names import version_number
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.lineage.reproduce import ReproductionResult


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast reproduce v1 --retrain", reproduce)


def reproduce(
    version: Annotated[str, typer.Argument(help="A promoted version, such as v1.")],
    retrain: Annotated[bool, typer.Option(help="Run all its stages again, and compare what comes out.")] = False,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="By how much a measure may differ on a GPU, absolutely or as a share.")
    ] = 0.05,
    as_json: Json = False,
) -> None:
    """Check a version out, fetch its files from the DVC remote, and check every hash; with --retrain, exit code 1 if
    training gives another model."""
    from tempfile import TemporaryDirectory

    from abreast.lineage.reproduce import fresh_workspace, retrain_version, verify_version

    services = Services.open()
    recorded = services.ledger.versions.get(services.line, version_number(version))
    services.project.home.runs.mkdir(parents=True, exist_ok=True)
    remade = None
    with TemporaryDirectory(prefix="reproduce-", dir=services.project.home.runs) as folder:
        workspace = fresh_workspace(services.project, recorded, Path(folder).resolve())
        steps = verify_version(services.project, services.ledger, services.registry, recorded, workspace)
        proven = list(_print_steps(steps, as_json))
        if retrain:
            *_, remade = _print_steps(retrain_version(workspace, recorded, tolerance), as_json)
    if as_json:
        comparison = remade and remade.model_dump() | {"reproduced": remade.reproduced}
        print_json({"version": recorded.name, "proven": proven, "remade": comparison})
    elif remade is not None:
        _print_remade(remade)
    raise typer.Exit(remade is not None and not remade.reproduced)


def _print_steps(steps: Iterator[Any], as_json: bool) -> Iterator[Any]:
    """Yield what comes, and print each line at once: with --json on stderr, so that stdout holds data alone."""
    while True:
        with stdout_for_data():
            line = next(steps, None)
        if line is None:
            return
        if isinstance(line, str):
            print_line(line, err) if as_json else print_line(f"ok  {line}")
        yield line


def _print_remade(remade: "ReproductionResult") -> None:
    for path in remade.equal:
        print_line(f"ok  {path}: the same bytes again")
    for path in remade.different:
        print_line(f"    {path}: other bytes than before")
    for name, (before, after) in remade.measures.items():
        print_line(f"    {name}: {before} before, {after} now")
    same = "the same digest again" if remade.digest == remade.recorded else f"now {remade.digest[:12]}"
    print_line(
        f"model {remade.recorded[:12]}: {same}, on {remade.device}: {'' if remade.reproduced else 'not '}reproduced"
    )
