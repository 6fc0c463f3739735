"""Figures that gates hold candidates to beside their answers: reports/safety.json, serving.json and drift.json."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error

SAFETY, SERVING, DRIFT = "safety.json", "serving.json", "drift.json"


class Figure(BaseModel):
    """One measure of the candidate, and of the champion where it was taken; None where it could not be.

    `n` is how many things were asked for it; `why` tells in words what stands behind it, such as why a model does not
    load, or which words own an answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: float | None
    champion: float | None = None
    n: int | None = None
    why: str = ""


_FILE = TypeAdapter(dict[str, Figure])


def write_figures(path: Path, figures: Mapping[str, Figure]) -> None:
    """Write the figures by measure, as JSON."""
    path.write_bytes(_FILE.dump_json(dict(figures), indent=1) + b"\n")


def read_figures(reports: Path) -> dict[str, Figure]:
    """All figures by measure; a file that is not there was not asked for, such as that on serving at the desk.

    Raises:
        AbreastError: a file has another form; the message names it.
    """
    found: dict[str, Figure] = {}
    for path in (reports / SAFETY, reports / SERVING, reports / DRIFT):
        try:
            found |= _FILE.validate_json(path.read_bytes())
        except FileNotFoundError:
            continue
        except ValidationError as error:
            raise AbreastError(f"{path}: {first_validation_error(error, 'content')}; run the update again") from None
    return found
