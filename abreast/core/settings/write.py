"""The text of `params.yaml` with every default and what it means, made from the models.

python -m abreast.core.settings.write        # writes ./params.yaml anew; the values in it are lost
"""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from abreast.core.settings.default_gates import GATE_GROUPS
from abreast.core.settings.describe import describe
from abreast.core.settings.gates import GATE_FIELDS, Gate
from abreast.core.settings.params import Params

WIDTH, COLUMN = 120, 44
"""The longest line, and where comments begin."""
_PLAIN = re.compile(r"[\w./](?:[\w ./:+-]*[\w/])?")
_NO_BREAK = "\0"
HEAD = """
Every knob, with its default. A DVC stage depends on whole sections, so a knob is in the section of the stage or service
that reads it. An unknown or ill-typed knob stops the run and is named. Change a default or a description in
abreast/core/settings, then write this file anew with `python -m abreast.core.settings.write`.
"""


def params_text() -> str:
    """What `params.yaml` holds if nothing in it was changed."""
    lines = list(_comment(HEAD, ""))
    for name, field in Params.model_fields.items():
        lines += ["", *_comment(describe(field), ""), f"{name}:"]
        lines += _gates() if name == "gates" else _section(getattr(Params(), name))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write `params.yaml` in the current folder."""
    Path("params.yaml").write_text(params_text(), encoding="utf-8")


def _section(section: Any) -> Iterator[str]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if value and isinstance(value, tuple) and isinstance(value[0], Mapping):
            yield from _with_comment(f"  {name}:", describe(field))
            yield from (f"    - {flow(entry)}" for entry in value)
        else:
            yield from _with_comment(f"  {name}: {flow(value)}", describe(field))


def _gates() -> Iterator[str]:
    for why, gates in GATE_GROUPS:
        yield from _comment(why, "  ")
        for gate in gates:
            yield from _gate(gate)


def _gate(gate: Gate) -> Iterable[str]:
    """A gate in one or more lines, without what is left at its default."""
    values = gate.model_dump(exclude_defaults=True) | {"scope": gate.scope}
    items = [f"{name}: {flow(values[name])}".replace(" ", _NO_BREAK) for name in GATE_FIELDS if name in values]
    whole = f"  - {{{', '.join(items)}}}"
    lines = textwrap.wrap(whole, WIDTH, subsequent_indent=" " * 5, break_long_words=False, break_on_hyphens=False)
    return (line.replace(_NO_BREAK, " ") for line in lines)


def _with_comment(line: str, words: str) -> Iterator[str]:
    """A line with its comment beside it, which goes on below where it is long."""
    begin = max(len(line) + 1, COLUMN)
    first, *rest = textwrap.wrap(words, WIDTH - begin - 2, break_on_hyphens=False)
    if rest and begin > COLUMN:
        first, *rest = textwrap.wrap(words, WIDTH - COLUMN - 2, break_on_hyphens=False)
        yield line
        line = ""
        begin = COLUMN
    yield f"{line:<{begin}}# {first}"
    yield from (f"{'':<{COLUMN}}# {more}" for more in rest)


def _comment(words: str, indent: str) -> Iterator[str]:
    yield from (
        f"{indent}# {line}"
        for line in textwrap.wrap(" ".join(words.split()), WIDTH - len(indent) - 2, break_on_hyphens=False)
    )


def flow(value: Any) -> str:
    """A value in one line of YAML."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {flow(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value)


def _is_plain(text: str) -> bool:
    """Whether YAML reads a text without quotes as this text, also inside of brackets."""
    if not _PLAIN.fullmatch(text) or ": " in text:
        return False
    return bool(YAML(typ="safe", pure=True).load(text) == text)


if __name__ == "__main__":
    main()
