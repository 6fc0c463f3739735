"""The search space: which knobs of params.yaml are searched, and in which range."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from abreast.core.errors import AbreastError
from abreast.core.renamed_knobs import refuse_old_names
from abreast.core.settings import Params, Section, parse_params
from abreast.core.validation import first_validation_error
from abreast.learning.adapters import make_adapter_method
from abreast.learning.methods import make_methods

if TYPE_CHECKING:
    from optuna import Trial

SECTIONS = ("model", "train")
"""The sections that the stage `train` reads: any other knob changes nothing in a trial, or needs other data."""
_DIGITS = 4
"""Significant digits of a suggested number, so that a person can read and copy it."""


class Range(Section):
    """Numbers from `low` to `high`, both included; whole numbers if both are whole."""

    low: int | float
    high: int | float
    log: bool = Field(False, description="draw uniformly on a log scale")
    step: int | float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low is {self.low} and high is {self.high}; low must be less")
        if self.log and (self.low <= 0 or self.step):
            raise ValueError("log: true needs a low above 0, and no step")
        if self.whole and isinstance(self.step, float):
            raise ValueError(f"step is {self.step}; between whole numbers it must be whole")
        return self

    @property
    def whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[int | float, ...]:
        return (self.low, self.high)

    def suggest(self, trial: "Trial", knob: str) -> int | float:
        """The sampler's next value."""
        if self.whole:
            return trial.suggest_int(knob, self.low, self.high, log=self.log, step=self.step or 1)
        found = trial.suggest_float(knob, self.low, self.high, log=self.log, step=self.step)
        return float(f"{found:.{_DIGITS}g}")

    def contains(self, value: Any) -> bool:
        """Whether `value` lies in the range."""
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / (self.step or 1)
        return abs(steps - round(steps)) < 1e-9 or not (self.step or self.whole)

    def as_stored(self, value: Any) -> Any:
        """`value` as the study stores it."""
        return value


@dataclass(frozen=True)
class Choice:
    """One of a few values of any kind, such as two lists of `train.regularizers`."""

    ends: tuple[Any, ...]

    def suggest(self, trial: "Trial", knob: str) -> Any:
        """The sampler's next value; a study stores a list or a mapping as JSON."""
        stored = trial.suggest_categorical(knob, [self.as_stored(value) for value in self.ends])
        return next(value for value in self.ends if self.as_stored(value) == stored)

    def contains(self, value: Any) -> bool:
        """Whether `value` lies in the range."""
        return value in self.ends

    def as_stored(self, value: Any) -> Any:
        """`value` as the study stores it."""
        return json.dumps(value) if isinstance(value, list | dict) else value


@dataclass(frozen=True)
class Space:
    """The knobs that are searched, by path such as `train.learning_rate`."""

    knobs: Mapping[str, Range | Choice]

    def suggest(self, trial: "Trial") -> dict[str, Any]:
        """The knobs of one trial."""
        return {knob: values.suggest(trial, knob) for knob, values in self.knobs.items()}

    def current(self, params: Params) -> dict[str, Any] | None:
        """The current knobs as the study stores them; None if one lies outside the space."""
        now = {knob: knob_value(params, knob) for knob in self.knobs}
        if all(values.contains(now[knob]) for knob, values in self.knobs.items()):
            return {knob: values.as_stored(now[knob]) for knob, values in self.knobs.items()}
        return None

    def without(self, params: Params) -> dict[str, Any]:
        """`params` less what is searched."""
        return override(params, dict.fromkeys(self.knobs))

    def described(self) -> dict[str, str]:
        """Each knob's range in one line."""
        return {
            knob: json.dumps(values.model_dump(exclude_defaults=True) if isinstance(values, Range) else values.ends)
            for knob, values in self.knobs.items()
        }


def read_space(path: Path, params: Params) -> Space:
    """Read a file such as `abreast/tuning/space_first_model.yaml`.

    Args:
        params: the knobs are tried in place of its own.

    Raises:
        AbreastError: the file is missing or no YAML, or a knob is unknown, is not read by the training, or refuses
            a value of its range; the message names the knob.
    """
    try:
        read = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise AbreastError(
            f"{path}: no such file; --space names a file such as abreast/tuning/space_first_model.yaml"
        ) from None
    except YAMLError as error:
        raise AbreastError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(read, dict) or not read:
        raise AbreastError(
            f"{path}: expected lines such as `train.learning_rate: {{low: 1e-4, high: 1e-2, log: true}}`"
        )
    for knob, value in read.items():
        for finished_trials in value if isinstance(value, list) else [value]:
            refuse_old_names(_nested(str(knob), finished_trials), str(path))
    space = Space({str(knob): _range(str(knob), value, path) for knob, value in read.items()})
    for knob, values in space.knobs.items():
        for value in values.ends:
            overridden = parse_params(override(params, {knob: value}), f"{path}: {knob}")
            make_adapter_method(overridden.train.peft)
            if knob.startswith("train.regularizers"):
                make_methods(overridden.train.regularizers)
    return space


def _nested(knob: str, value: Any) -> dict[str, Any]:
    """A value at its path as params.yaml holds it: `train.epochs` gives `{"train": {"epochs": value}}`."""
    for name in reversed(knob.split(".")):
        value = [value] if name.isdecimal() else {name: value}
    return value


def _range(knob: str, value: Any, path: Path) -> Range | Choice:
    if knob.split(".")[0] not in SECTIONS:
        raise AbreastError(f"{path}: `{knob}` is no knob of {' or '.join(SECTIONS)}; a trial changes only these")
    if isinstance(value, list) and len(value) > 1:
        return Choice(tuple(value))
    try:
        return Range.model_validate(value)
    except ValidationError as error:
        fault = first_validation_error(error, "range")
        form = "{low: 1e-4, high: 1e-2, log: true} or at least two values, such as [6, 8, 10]"
        raise AbreastError(f"{path}: {knob}: {fault}; write {form}") from None


def override(params: Params, knobs: Mapping[str, Any]) -> dict[str, Any]:
    """The content of params.yaml with `knobs`, by path, in place of its own.

    A path leads into sections, and by number into lists: `train.regularizers.0.weight`.

    Raises:
        AbreastError: params.yaml has no such path.
    """
    overridden = deepcopy(_plain(params))
    for knob, value in knobs.items():
        *parents, last = knob.split(".")
        inner = _at(overridden, ".".join(parents))
        if isinstance(inner, list) and last.isdecimal() and int(last) < len(inner):
            inner[int(last)] = value
        elif isinstance(inner, dict):
            inner[last] = value
        else:
            raise AbreastError(f"unknown knob `{knob}`: params.yaml has nothing there")
    return overridden


def knob_value(params: Params, knob: str) -> Any:
    """The value of a knob, by its path; None if there is none."""
    return _at(_plain(params), knob)


def _plain(params: Params) -> dict[str, Any]:
    return params.model_dump(mode="json")


def _at(tree: Any, path: str) -> Any:
    """The value at a path; None if there is none."""
    for name in path.split("."):
        if isinstance(tree, list):
            tree = tree[int(name)] if name.isdecimal() and int(name) < len(tree) else None
        else:
            tree = tree.get(name) if isinstance(tree, dict) else None
    return tree
