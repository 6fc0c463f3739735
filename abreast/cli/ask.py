"""ask: questions to the version in service, or to any other."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape

from abreast.cli.console import Json, add_command, err, out, print_json
from abreast.core.errors import AbreastError
from abreast.ledger.names import version_number
from abreast.services.services import Services

STDIN = "-"


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, 'abreast ask "What is the newest release of Python 3.12?"', ask)


def ask(
    questions: Annotated[list[str], typer.Argument(help="Questions, or - to read them from stdin, one a line.")],
    version: Annotated[str | None, typer.Option(help="Ask this version, such as v3, not the champion.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="The head of an encoder with several: classification, tagging or regression.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Ask the champion, or any version; it is loaded once for all questions, and answers as `evaluate` in params.yaml
    says. With --json, several questions give one JSON object a line.
    """
    from abreast.core.threads import use_free_cores
    from abreast.serving.loaded_version import load_version

    if STDIN in questions and len(questions) > 1:
        raise AbreastError("give questions or -, not both: - reads all questions from stdin")
    if not all(question.strip() for question in questions):
        raise AbreastError("the question is empty")
    use_free_cores()
    with err.status("loading the model"):
        services = Services.open()
        number = None if version is None else version_number(version)
        loaded = load_version(services.project, services.ledger, services.registry, number)
    from_stdin = questions == [STDIN]
    for batch in _stdin_lines() if from_stdin else [questions]:
        for question, answer in zip(batch, loaded.answer(batch, kind), strict=True):
            answered = {"question": question, "answer": answer, "version": loaded.name}
            if not as_json:
                out.print(f"{escape(answer)}  [dim]({loaded.name})[/]", highlight=False, soft_wrap=True)
            elif from_stdin or len(questions) > 1:
                print(json.dumps(answered, ensure_ascii=False), flush=True)
            else:
                print_json(answered)


def _stdin_lines() -> Iterator[list[str]]:
    """Each question as it arrives, so that another program can wait for its answer; blank lines are skipped."""
    for line in sys.stdin:
        if question := line.strip():
            yield [question]
