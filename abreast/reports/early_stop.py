"""What the stage `evaluate` leaves of a stop before all questions were asked: reports/stopped.json."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.settings import Gate
from abreast.core.validation import first_validation_error
from abreast.reports.verdict import GateResult

STOPPED = "stopped.json"
"""Holds null where all questions were asked."""


class EarlyStop(BaseModel):
    """The verdict that was settled, after how many questions, and by which gates.

    `gates` are those that the questions were for, as they were then; `results` what the settled ones said; `open` the
    names of those that were not settled, for another one had failed. `error` is how often, at most, all questions would
    have said something else. Pieces of raw text count as questions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Literal["pass", "inconclusive", "fail"]
    asked: int
    planned: int
    error: float
    open: tuple[str, ...]
    gates: tuple[Gate, ...]
    results: tuple[GateResult, ...]

    @property
    def note(self) -> str:
        """A sentence for the report."""
        said = (
            f"stopped after {self.asked} of {self.planned} questions: {self.verdict} is settled, but for an error of "
        )
        said += f"{self.error:.0%} at most; shares are of what was asked"
        return f"{said}; not asked to the end: {', '.join(self.open)}" if self.open else said


def results_of(stopped: EarlyStop, gates: Sequence[Gate]) -> list[GateResult]:
    """What the settled gates said; undecided if the gates that the questions are for are other ones now.

    Args:
        gates: those that the questions are for, as they are now.
    """
    if tuple(gates) == stopped.gates:
        return list(stopped.results)
    return [
        GateResult(
            name="the gates that the evaluation stopped by",
            measured=0.0,
            needed=1.0,
            bound="at least",
            champion=None,
            outcome="undecided",
        )
    ]


_FILE = TypeAdapter(EarlyStop | None)


def write_early_stop(reports: Path, stopped: EarlyStop | None) -> None:
    """Write `stopped.json`."""
    (reports / STOPPED).write_bytes(_FILE.dump_json(stopped, indent=1) + b"\n")


def read_early_stop(reports: Path) -> EarlyStop | None:
    """None where all questions were asked.

    Raises:
        AbreastError: the file has another form.
    """
    try:
        return _FILE.validate_json((reports / STOPPED).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise AbreastError(
            f"{reports / STOPPED}: {first_validation_error(error, 'content')}; run the stage `evaluate`"
        ) from None
