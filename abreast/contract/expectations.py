"""Validating a pandas frame with Great Expectations; a readable YAML file lists the expectations.

The import takes 4 to 6 seconds, so it happens at the first validation of a process.
"""

import html
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from abreast.core.errors import AbreastError, one_line
from abreast.core.validation import first_validation_error

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5
_lock = Lock()


class Expectation(BaseModel):
    """One expectation of a contract file: its type, its arguments, when it applies, and the message of a breach."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str = Field(pattern=r"^expect_[a-z_]+$")
    kwargs: dict[str, Any]
    when: dict[str, int] = {}
    message: str

    def applies(self, counts: Mapping[str, int]) -> bool:
        """Whether every count that `when` names is large enough."""
        return all(counts.get(name, 0) >= least for name, least in self.when.items())


class Breach(BaseModel):
    """An expectation that was not met: its type, the message, and some of the keys at fault."""

    model_config = ConfigDict(frozen=True)

    type: str
    message: str
    keys: tuple[str, ...] = ()


class ValidationResult(BaseModel):
    """How many expectations were checked, which were not met, and the HTML page for people."""

    model_config = ConfigDict(frozen=True)

    checked: int
    breaches: tuple[Breach, ...]
    page: str = Field(repr=False)


def load_contract(file: Path) -> tuple[Expectation, ...]:
    """Read a contract file.

    Raises:
        AbreastError: it is missing, is not YAML, or an entry is invalid; the message names the entry.
    """
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise AbreastError(f"{file}: {error.strerror}; the knob `contract.file` names the drop contract") from None
    except yaml.YAMLError as error:
        raise AbreastError(f"{file}: not valid YAML: {one_line(error)}") from None
    entries = content.get("expectations") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise AbreastError(f"{file}: expected a list under `expectations`")
    return tuple(_expectation(file, number, entry) for number, entry in enumerate(entries, start=1))


def _expectation(file: Path, number: int, entry: object) -> Expectation:
    try:
        return Expectation.model_validate(entry)
    except ValidationError as error:
        raise AbreastError(f"{file}: expectation {number}: {first_validation_error(error, 'entry')}") from None


def validate(
    file: Path, frame: "pd.DataFrame", counts: Mapping[str, int], words: Mapping[str, object], title: str
) -> ValidationResult:
    """Validate a frame against the contract in `file`.

    Args:
        counts: numbers that `when` and the messages may use, such as rows.
        words: further values that the messages may use.
        title: the name of the data on the page.

    Raises:
        AbreastError: an entry names an unknown expectation, argument or column; the file and the entry are named.
    """
    entries = load_contract(file)
    applying = [(number, entry) for number, entry in enumerate(entries, start=1) if entry.applies(counts)]
    with _lock:
        suite = _suite(file, applying)
        result = _run_suite(suite, frame)
    breaches = []
    for (number, entry), outcome in zip(applying, result.results, strict=True):
        if outcome.exception_info.get("raised_exception") or "exception_message" not in outcome.exception_info:
            raise AbreastError(f"{file}: expectation {number} ({entry.type}): {_exception(outcome.exception_info)}")
        if not outcome.success:
            breaches.append(_breach(file, number, entry, outcome.result, {**counts, **words}))
    return ValidationResult(checked=len(applying), breaches=tuple(breaches), page=_page(result, title, breaches))


@cache
def _gx():
    """Great Expectations with a context in memory; it sends nothing anywhere and draws nothing on the terminal."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("abreast").add_dataframe_asset("frame")
    return gx, asset.add_batch_definition_whole_dataframe("whole")


def _suite(file: Path, applying: list[tuple[int, Expectation]]):
    gx, _ = _gx()
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    suite = gx.ExpectationSuite(file.stem)
    for number, entry in applying:
        try:
            expectation = get_expectation_impl(entry.type)(**entry.kwargs)
        except ExpectationNotFoundError:
            raise AbreastError(f"{file}: expectation {number}: {entry.type} is unknown to Great Expectations") from None
        except (ValueError, TypeError) as error:
            raise AbreastError(f"{file}: expectation {number} ({entry.type}): kwargs: {one_line(error)}") from None
        suite.expectations.append(expectation)
    return suite


def _run_suite(suite, frame: "pd.DataFrame"):
    _, batch_definition = _gx()
    shown = {"result_format": "SUMMARY", "partial_unexpected_count": _SHOWN}
    if "key" in frame.columns:
        shown["unexpected_index_column_names"] = ["key"]
    result = batch_definition.get_batch({"dataframe": frame}).validate(suite, result_format=shown)
    for outcome in result.results:
        if hasattr(observed := outcome.result.get("observed_value"), "item"):
            outcome.result["observed_value"] = observed.item()
    return result


def _exception(info: Mapping[str, Any]) -> str:
    """The message of the exception that an expectation raised; Great Expectations nests it by metric."""
    messages = [
        info.get("exception_message"),
        *(i.get("exception_message") for i in info.values() if isinstance(i, dict)),
    ]
    return one_line(next((m for m in messages if m), "could not be computed"))


def _breach(
    file: Path, number: int, entry: Expectation, result: Mapping[str, Any], words: Mapping[str, object]
) -> Breach:
    percent = result.get("unexpected_percent")
    measured = percent / 100 if percent is not None else result.get("observed_value")
    try:
        message = one_line(entry.message.format_map({**entry.kwargs, **words, "measured": measured}))
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise AbreastError(
            f"{file}: expectation {number} ({entry.type}): message: cannot be filled in: {error}"
        ) from None
    at_fault = result.get("partial_unexpected_index_list") or ()
    keys = dict.fromkeys(
        str(row["key"]) for row in at_fault if isinstance(row, dict) and isinstance(row.get("key"), str)
    )
    return Breach(type=entry.type, message=message, keys=tuple(keys)[:_SHOWN])


def _page(result, title: str, breaches: list[Breach]) -> str:
    """The result as a page of Great Expectations' Data Docs, with our reasons above it."""
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    body = DefaultJinjaPageView().render(ValidationResultsPageRenderer(run_info_at_end=True).render(result))
    reasons = "".join(f"<li>{html.escape(breach.message)}</li>" for breach in breaches) or "<li>all were met</li>"
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    head = f"<main style='padding:1em 2em'><h1>{html.escape(title)}</h1><p>{stamp}</p><ul>{reasons}</ul></main>"
    return body.replace("<body>", f"<body>{head}", 1)
