"""Ways to remember, one a file: `train.remember` in params.yaml lists those that are used, in order."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from abreast.errors import AbreastError

METHODS = {
    "anchor": "abreast.learning.strategies.anchor:Anchor",
}


def make_strategies(chosen: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The strategies that `train.remember` names, each a class of `abreast.learning.strategies.protocol`'s hooks.

    Args:
        chosen: such as `[{"method": "anchor", "weight": 2.0}]`; what is left out has its default.

    Raises:
        AbreastError: an unknown method, or a knob that the method does not have or take; the message names it.
    """
    return [_make(entry, f"train.remember[{number}]") for number, entry in enumerate(chosen)]


def _make(entry: Mapping[str, Any], where: str) -> Any:
    method = entry.get("method")
    if method not in METHODS:
        raise AbreastError(f"{where}.method is {method!r}; known are {', '.join(sorted(METHODS))}")
    module, name = METHODS[method].split(":")
    strategy = getattr(import_module(module), name)
    try:
        return strategy(strategy.Knobs.model_validate({k: v for k, v in entry.items() if k != "method"}))
    except ValidationError as error:
        first = error.errors()[0]
        knob = ".".join(map(str, first["loc"]))
        known = ", ".join(strategy.Knobs.model_fields) or "none"
        raise AbreastError(f"{where}.{knob}: {first['msg']}; {method} has the knobs {known}") from None
