"""up, down, doctor: the services of this machine."""

import typer

from abreast.cli.console import Json, command, out, print_json
from abreast.services.services import Services


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "abreast up")(up)
    command(app, "abreast down")(down)
    command(app, "abreast doctor --json")(doctor)


def up() -> None:
    """Start Prefect, MLflow, the worker and the watcher, and wait until each answers."""
    from abreast.services.up import start_services

    services = Services.open()
    with out.status("starting") as status:
        start_services(services.project, lambda what: status.update(f"waiting for the {what}"))
    print_addresses(services)


def print_addresses(services: Services) -> None:
    """Where people look, and how to stop."""
    out.print(f"Prefect  {services.project.prefect_api.removesuffix('/api')}", highlight=False)
    out.print(f"MLflow   {services.project.mlflow_uri}/#/models/{services.line}", highlight=False)
    out.print(f"inbox    {services.project.params.intake.inbox}", highlight=False)
    out.print(f"logs     {services.project.home.logs}", highlight=False, soft_wrap=True)
    out.print("stop with `abreast down` (or `make down`)", highlight=False)


def down() -> None:
    """Stop all services of this project; nothing is lost, an update that was going on is resumed later."""
    from abreast.services.supervisor import Supervisor

    supervisor = Supervisor(Services.open().project)
    if not supervisor.states():
        out.print("nothing runs")
        return
    with out.status("stopping"):
        supervisor.stop()
    out.print("stopped")


def doctor(as_json: Json = False) -> None:
    """Check everything that an update needs, and say what is wrong; exit code 1 if anything is."""
    from abreast.services.doctor import examine

    checks = examine()
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        for check in checks:
            mark = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "bad": "[red]bad [/]"}[check.state]
            out.print(f"{mark} {check.name}: {check.finding}", highlight=False, soft_wrap=True)
    raise typer.Exit(any(check.state == "bad" for check in checks))
