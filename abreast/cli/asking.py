"""ask, sweep: the version in service."""

from typing import Annotated

import typer

from abreast.cli.console import Json, command, err, out, print_json
from abreast.ledger.names import version_number
from abreast.services.services import Services


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, 'abreast ask "What is the newest release of Python 3.12?"')(ask)
    command(app, "abreast sweep")(sweep)


def ask(
    question: Annotated[str, typer.Argument(help="A question.")],
    version: Annotated[str | None, typer.Option(help="Ask this version, such as v3, not the champion.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="The head of an encoder with several: classification, tagging or regression.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the champion, or any version."""
    from abreast.core.threads import use_free_cores
    from abreast.serving.ask import ask as answer

    use_free_cores()
    with err.status("loading the model"):
        services = Services.open()
        number = None if version is None else version_number(version)
        found = answer(services.project, services.ledger, services.registry, question, number, kind)
    if as_json:
        print_json(found)
    else:
        out.print(f"{found['answer']}  [dim]({found['version']})[/]", highlight=False)


def sweep() -> None:
    """Finish or revert what a crash left half done, and take the reviews asked for by tags in MLflow."""
    from abreast.lifecycle.promoter import sweep as mend
    from abreast.lifecycle.review import sweep as finish_reviews
    from abreast.lifecycle.review_tags import take_tags

    services = Services.open()
    mended = [line for part in (mend, finish_reviews, take_tags) for line in part(services.ledger, services.registry)]
    for line in mended:
        out.print(line, highlight=False, soft_wrap=True, markup=False)
    out.print(f"{len(mended)} mended" if mended else "nothing was half done", highlight=False)
