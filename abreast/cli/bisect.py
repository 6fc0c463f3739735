"""bisect: find the drop that hurt."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from abreast.cli.console import (
    Json,
    add_command,
    err,
    format_percent,
    out,
    print_json,
    print_line,
    stdout_for_data,
)
from abreast.ledger.names import version_number
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.lineage.bisection import VersionStep


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast bisect --slice domain=Python", bisect)


def bisect(
    slice_: Annotated[
        str | None, typer.Option("--slice", help="By kind, domain, source or language, such as domain=Python.")
    ] = None,
    drop: Annotated[str | None, typer.Option(help="What this drop brought, by its name or digest.")] = None,
    key: Annotated[str | None, typer.Option(help="One fact, such as python/3.12/latest.")] = None,
    version: Annotated[str | None, typer.Option(help="Start from this version, not from the champion.")] = None,
    replay: Annotated[
        bool, typer.Option(help="If several drops were learned at once, train on halves of them again to find the one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find the drop that hurt: the version that lost most of what was right before, and the drops that it learned."""
    from abreast.lineage.bisection import question_filter, version_steps, worst_version_step
    from abreast.lineage.retrained_halves import narrow_down

    services = Services.open()
    words, part = question_filter(services.ledger, slice_, drop, key)
    found = version_steps(
        services.ledger, services.registry, part, None if version is None else version_number(version)
    )
    step = worst_version_step(found)
    if replay and step is not None and len(step.drops) > 1:
        with stdout_for_data():
            step = step.model_copy(
                update={"drops": narrow_down(services.project, services.ledger, step, part, _print_progress)}
            )
    if as_json:
        print_json({"part": words, "steps": [s.fields() for s in found], "found": step and step.fields()})
    else:
        _print_steps(words, found, step)


def _print_progress(line: str) -> None:
    print_line(line, err)


def _print_steps(words: str, found: "list[VersionStep]", step: "VersionStep | None") -> None:
    table = Table(
        "version",
        "learned",
        "questions",
        "before",
        "after",
        "lost",
        "won",
        title=f"{words}: still valid questions",
    )
    for one in found:
        names = ", ".join(drop.name for drop in one.drops)
        shares = (format_percent(one.before), format_percent(one.after))
        table.add_row(one.version, names, str(one.questions), *shares, str(one.lost), str(one.won))
    out.print(table)
    if step is None:
        out.print("no version lost more answers than it won", highlight=False)
        return
    drops = ", ".join(f"{drop.name} ({drop.digest[:12]})" for drop in step.drops)
    print_line(
        f"{step.version} hurt it most, with {drops}: {format_percent(step.before)} before, "
        f"{format_percent(step.after)} after; equally good models lose so many with probability {step.chance:.2g}"
    )
    for one in step.examples:
        now, before = one.answers["candidate"], one.answers["champion"]
        line = f"  {one.question} {now!r}; before {before!r}, correct is {one.answer!r}"
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    if len(step.drops) > 1:
        print_line("several drops were learned at once; --replay finds the one")
    else:
        print_line(f"withdraw it with: abreast rollback --poisoned {step.drops[0].digest[:12]} --reason ...")
