"""doctor: check everything that an update needs."""

import typer

from abreast.cli.console import Json, add_command, out, print_json


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast doctor --json", doctor)


def doctor(as_json: Json = False) -> None:
    """Check everything that an update needs, and say what is wrong; exit code 1 if anything is."""
    from abreast.services.doctor import run_checks

    checks = run_checks()
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        for check in checks:
            state = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "bad": "[red]bad [/]"}[check.state]
            out.print(f"{state} {check.name}: {check.finding}", highlight=False, soft_wrap=True)
    raise typer.Exit(any(check.state == "bad" for check in checks))
