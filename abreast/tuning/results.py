"""The results of a study: its trials, the best knobs as lines of params.yaml, and the command that uses them."""

import re
import shlex
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from abreast.core.settings import Params
from abreast.tuning.space import knob_value, override

if TYPE_CHECKING:
    from optuna import Study

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./:-]*")
RESULT_ATTRIBUTE = "result"
"""The attribute of an optuna trial that holds its `TrialResult`; a killed trial has none."""


class TrialResult(BaseModel):
    """How one trial ended; `value`, `dev_exact_match` and `dev_loss` are those of its best evaluation, or None."""

    model_config = ConfigDict(frozen=True)

    number: int
    outcome: Literal["complete", "pruned", "failed"]
    reason: str
    knobs: dict[str, Any]
    value: float | None
    dev_exact_match: float | None
    dev_loss: float | None
    tokens: int
    seconds: float


def finished_trials(study: "Study") -> list[TrialResult]:
    """The trials that ended, in their order."""
    return [
        TrialResult(**trial.user_attrs[RESULT_ATTRIBUTE])
        for trial in study.trials
        if trial.state.is_finished() and RESULT_ATTRIBUTE in trial.user_attrs
    ]


def rank(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """Complete trials from best to worst, the cheaper first if equal; then the pruned, then the failed."""
    outcomes = ("complete", "pruned", "failed")
    return sorted(trials, key=lambda one: (outcomes.index(one.outcome), -(one.value or 0.0), one.tokens, one.number))


def params_yaml(params: Params, knobs: Mapping[str, Any]) -> str:
    """The knobs as lines of params.yaml; a knob inside a list or mapping gives the whole list or mapping."""
    overridden, chosen = override(params, knobs), {}
    for knob in knobs:
        section, name = knob.split(".")[:2]
        chosen.setdefault(section, {})[name] = overridden[section][name]
    text, yaml = StringIO(), YAML()
    yaml.default_flow_style = False
    yaml.dump(chosen, text)
    return text.getvalue()


def dvc_command(params: Params, knobs: Mapping[str, Any]) -> str:
    """The shell command `dvc exp run` that trains with these knobs in place of those in `params`."""
    options = [option for knob, value in knobs.items() for option in _overrides(params, knob, value)]
    return " ".join(["dvc exp run", *(f"-S {shlex.quote(option)}" for option in options)])


def _overrides(params: Params, knob: str, value: Any) -> list[str]:
    """Hydra's overrides for one knob: a mapping would be merged with what is there, and a new name must be added."""
    if isinstance(value, dict):
        return [f"~{knob}", f"+{knob}={_hydra(value)}"]
    return [f"{'' if knob_value(params, knob) is not None else '++'}{knob}={_hydra(value)}"]


def _hydra(value: Any) -> str:
    """A value in Hydra's grammar of overrides, which DVC reads."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return f"{{{', '.join(f'{name}: {_hydra(inner)}' for name, inner in value.items())}}}"
        case list():
            return f"[{', '.join(map(_hydra, value))}]"
        case str() if _PLAIN.fullmatch(value) and value.lower() not in ("true", "false", "null", "nan", "inf"):
            return value
        case str():
            return "'" + value.replace("'", "\\'") + "'"
        case _:
            return str(value)
