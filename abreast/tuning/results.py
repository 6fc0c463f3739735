"""What a search found: its trials, the best knobs as params.yaml holds them, and the command that uses them."""

import re
import shlex
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

from abreast.core.settings import Params
from abreast.tuning.space import found_at, lay_over

if TYPE_CHECKING:
    from optuna import Study

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./:-]*")
TRIED = "tried"
"""The attribute of a trial that holds its `Tried`; a trial that was cut off has none."""


class Tried(BaseModel):
    """How one trial ended: `value` and figures are those of its best check, None if there was none."""

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


def tried(study: "Study") -> list[Tried]:
    """The trials that ended, in their order."""
    return [
        Tried(**trial.user_attrs[TRIED])
        for trial in study.trials
        if trial.state.is_finished() and TRIED in trial.user_attrs
    ]


def ranked(trials: Sequence[Tried]) -> list[Tried]:
    """Complete trials from best to worst, of equals the cheaper first; then what was stopped, then what failed."""
    outcomes = ("complete", "pruned", "failed")
    return sorted(trials, key=lambda one: (outcomes.index(one.outcome), -(one.value or 0.0), one.tokens, one.number))


def fragment(params: Params, knobs: Mapping[str, Any]) -> str:
    """The knobs as lines of params.yaml; of a list or mapping that one leads into, all of it."""
    laid, chosen = lay_over(params, knobs), {}
    for knob in knobs:
        section, name = knob.split(".")[:2]
        chosen.setdefault(section, {})[name] = laid[section][name]
    text, yaml = StringIO(), YAML()
    yaml.default_flow_style = False
    yaml.dump(chosen, text)
    return text.getvalue()


def command(params: Params, knobs: Mapping[str, Any]) -> str:
    """The `dvc exp run` that learns with these knobs in place of those in `params`, for a shell."""
    options = [option for knob, value in knobs.items() for option in _overrides(params, knob, value)]
    return " ".join(["dvc exp run", *(f"-S {shlex.quote(option)}" for option in options)])


def _overrides(params: Params, knob: str, value: Any) -> list[str]:
    """Hydra's overrides for one knob: a mapping would be merged with what is there, and a new name must be added."""
    if isinstance(value, dict):
        return [f"~{knob}", f"+{knob}={_hydra(value)}"]
    return [f"{'' if found_at(params, knob) is not None else '++'}{knob}={_hydra(value)}"]


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
