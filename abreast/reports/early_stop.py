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

    `gates` are the gates on questions as they were then; `results` those of the settled gates; `open` are the names of
    the gates that were not settled, because another one had failed. `error` bounds the probability that all questions
    would have led to another result. Pieces of raw text count as questions.
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
        note = f"stopped after {self.asked} of {self.planned} questions: {self.verdict} is settled, with an error of "
        note += f"{self.error:.0%} at most; shares are of the questions asked"
        return f"{note}; not asked to the end: {', '.join(self.open)}" if self.open else note


def settled_results(stopped: EarlyStop, gates: Sequence[Gate]) -> list[GateResult]:
    """The results of the settled gates; undecided if the gates on questions have changed since.

    Args:
        gates: the gates on questions as they are now.
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
