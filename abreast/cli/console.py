"""How commands speak: refusals in one line, tables for people, JSON for scripts."""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from abreast.core.errors import AbreastError

WIDTH_OF_FILES = 160
# In a pipe or a file nobody can widen the window, and a cut table is of no use.
out = Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def command(app: typer.Typer, example: str, name: str | None = None) -> Callable:
    """Register a command whose refusals end as one line on stderr and exit code 2; `example` is shown by `--help`."""

    def register(function: Callable) -> Callable:
        @functools.wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except AbreastError as error:
                err.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
                raise typer.Exit(2) from None
            except KeyboardInterrupt:
                raise typer.Exit(130) from None

        return app.command(name=name, epilog=f"Example: {example}")(guarded)

    return register


def print_json(value: Any) -> None:
    """One JSON document on stdout, without colours or wrapping."""
    json.dump(value, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


@contextmanager
def only_data() -> Iterator[None]:
    """What libraries and processes print on stdout meanwhile goes to stderr: stdout is for data alone."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def percent(share: float | None) -> str:
    """A share as people read it: `97.5 %`, or a dash where nothing was measured."""
    return "–" if share is None else f"{100 * share:.1f} %"


def figure(value: float | None) -> str:
    """A figure with one decimal, or a dash where nothing was measured."""
    return "–" if value is None else f"{value:.1f}"
