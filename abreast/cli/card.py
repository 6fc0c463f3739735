"""card: the page of a version, for a reviewer, a browser or a script."""

from pathlib import Path
from typing import Annotated

import typer

from abreast.cli.console import Json, add_command, out, print_json
from abreast.core.errors import AbreastError
from abreast.ledger.names import version_number
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast card v3 --html v3.html", card)


def card(
    version: Annotated[str, typer.Argument(help="A version, such as v3.")],
    html: Annotated[Path | None, typer.Option(help="Write it as one HTML file instead.")] = None,
    as_json: Json = False,
) -> None:
    """One version on one page: what arrived, what was learned and lost, what is stale, the gates, its origin."""
    services = Services.open()
    number = services.ledger.versions.get(services.line, version_number(version)).number
    page = services.registry.card(number)
    if page is None:
        raise AbreastError(f"v{number} has no card: it is older than cards; see {services.registry.page(number)}")
    if html is not None:
        _write(html, services.registry.card_html(page))
        if not as_json:
            out.print(f"v{number}: {html}", highlight=False, soft_wrap=True)
    if as_json:
        print_json(page.model_dump(mode="json"))
    elif html is None:
        typer.echo(services.registry.card_markdown(page))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise AbreastError(f"--html {path}: cannot be written ({error.strerror})") from None
