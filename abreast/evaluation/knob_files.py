"""The files of text that knobs of `evaluate` name."""

from pathlib import Path
from typing import Literal

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate


def read_knob_file(knobs: Evaluate, knob: Literal["general_text", "unrelated_questions"]) -> str:
    """The content of the file that a knob names.

    Raises:
        AbreastError: it cannot be read; the message names the knob and the file.
    """
    path = getattr(knobs, knob)
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AbreastError(f"evaluate.{knob}: cannot read {path}: {error}") from None
