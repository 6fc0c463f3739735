"""The files of text that knobs of `evaluate` name."""

from pathlib import Path
from typing import Literal

from abreast.core.errors import AbreastError
from abreast.core.settings import Evaluate


def read_knob_file(limits: Evaluate, knob: Literal["general_text", "unrelated_questions"]) -> str:
    """What the file of a knob holds.

    Raises:
        AbreastError: it cannot be read; the message names the knob and the file.
    """
    path = getattr(limits, knob)
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AbreastError(f"evaluate.{knob}: cannot read {path}: {error}") from None
