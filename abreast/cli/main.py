"""`abreast`: the commands of one installation."""

import typer

from abreast.cli import (
    arriving,
    asking,
    card,
    demo,
    desk,
    drift,
    reading,
    returning,
    reviewing,
    serving,
    tracing,
    tuning,
)

app = typer.Typer(
    help="Keeps a language model abreast of its data: each drop becomes a better version, or a reason why not.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
)
for part in (serving, arriving, reading, card, drift, reviewing, asking, returning, tracing, desk, tuning, demo):
    part.register(app)


if __name__ == "__main__":
    app()
