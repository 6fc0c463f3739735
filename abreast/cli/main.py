"""`abreast`: the commands of one installation."""

import typer

from abreast.cli import (
    ask,
    bisect,
    card,
    demo,
    doctor,
    drift,
    drop,
    history,
    knobs,
    lineage,
    reproduce,
    review,
    rollback,
    show,
    snapshot,
    status,
    sweep,
    tune,
    up,
    update,
    watch,
)

ORDER = (
    *(up, doctor, drop, watch, update, status, history, show, card, drift, review),
    *(ask, sweep, rollback, bisect, lineage, reproduce, snapshot, knobs, tune, demo),
)
"""The files of commands, as `abreast --help` lists them."""

app = typer.Typer(
    help="Keeps a language model abreast of its data: each drop becomes a better version, or a reason why not.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
)
for file in ORDER:
    file.add_commands(app)


if __name__ == "__main__":
    app()
