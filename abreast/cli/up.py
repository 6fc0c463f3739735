"""up, down: start and stop the services on this machine."""

import typer

from abreast.cli.console import add_command, out
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    add_command(app, "abreast up", up)
    add_command(app, "abreast down", down)


def up() -> None:
    """Start Prefect, MLflow, the worker and the watcher, and wait until each answers."""
    from abreast.services.up import start_services

    services = Services.open()
    with out.status("starting") as status:
        start_services(services.project, lambda program: status.update(f"waiting for the {program}"))
    print_addresses(services)


def print_addresses(services: Services) -> None:
    """Print where the pages, the inbox and the logs are, and how to stop."""
    out.print(f"Prefect  {services.project.prefect_api.removesuffix('/api')}", highlight=False)
    out.print(f"MLflow   {services.project.mlflow_uri}/#/models/{services.line}", highlight=False)
    out.print(f"inbox    {services.project.params.intake.inbox}", highlight=False)
    out.print(f"logs     {services.project.home.logs}", highlight=False, soft_wrap=True)
    out.print("stop with `abreast down` (or `make down`)", highlight=False)


def down() -> None:
    """Stop all services of this project; nothing is lost, a running update is resumed later."""
    from abreast.services.supervisor import Supervisor

    supervisor = Supervisor(Services.open().project)
    if not supervisor.states():
        out.print("no service is running")
        return
    with out.status("stopping"):
        supervisor.stop()
    out.print("stopped")
