"""Makes a method with its knobs from its entry in params.yaml: for `train.regularizers` and `train.peft`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from abreast.core.errors import AbreastError


class Knobs(BaseModel):
    """The knobs of one method: frozen, strict, no unknown key."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def check_method(entry: Mapping[str, Any], methods: Mapping[str, str], where: str) -> None:
    """Check that `entry` names a method; imports nothing, so this is cheap.

    Raises:
        AbreastError: `entry` names none of `methods`.
    """
    if (method := entry.get("method")) not in methods:
        raise AbreastError(f"{where}.method is {method!r}; choose from {', '.join(sorted(methods))}")


def make_method(entry: Mapping[str, Any], methods: Mapping[str, str], where: str) -> Any:
    """Make the method that `entry` names, with its other items as knobs; missing knobs have their defaults.

    Args:
        entry: such as `{"method": "lora", "rank": 8}`.
        methods: the class of each method, as `module:name`.
        where: the path of the entry in params.yaml, for errors.

    Raises:
        AbreastError: an unknown method, an unknown knob or a value that it does not accept; the message names it.
    """
    check_method(entry, methods, where)
    module, name = methods[entry["method"]].split(":")
    method_class = getattr(import_module(module), name)
    try:
        knobs = method_class.Knobs.model_validate({k: v for k, v in entry.items() if k != "method"})
    except ValidationError as error:
        first = error.errors()[0]
        knob = ".".join([where, *map(str, first["loc"])])
        known = ", ".join(method_class.Knobs.model_fields) or "none"
        problem = first["msg"].removeprefix("Value error, ")
        raise AbreastError(f"{knob}: {problem}; {entry['method']} has the knobs {known}") from None
    return method_class(knobs)
