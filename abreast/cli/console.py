"""What all commands share: errors in one line, text and tables for people, JSON for scripts."""

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


def add_command(app: typer.Typer, example: str, function: Callable) -> None:
    """Add a command whose errors end as one line on stderr and exit code 2; `example` is shown by `--help`."""

    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except AbreastError as error:
            err.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True, highlight=False)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            raise typer.Exit(130) from None

    app.command(epilog=f"Example: {example}")(guarded)


def print_json(value: Any) -> None:
    """One JSON document on stdout, without colours or wrapping."""
    json.dump(value, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


def print_line(text: str, console: Console = out) -> None:
    """Print text as it is: neither wrapped nor coloured, and brackets are no markup."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def stdout_for_data() -> Iterator[None]:
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


def format_percent(share: float | None) -> str:
    """A share as people read it: `97.5 %`, or a dash where nothing was measured."""
    return "–" if share is None else f"{100 * share:.1f} %"


def format_decimal(value: float | None) -> str:
    """A number with one decimal, or a dash where nothing was measured."""
    return "–" if value is None else f"{value:.1f}"
