"""A method and its knobs by name: what `train.regularizers` and `train.peft` have in common."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from abreast.core.errors import AbreastError


class Knobs(BaseModel):
    """The knobs of one method: frozen, strict, no unknown key."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


def check_method(entry: Mapping[str, Any], methods: Mapping[str, str], where: str) -> None:
    """Refuse what is no method; nothing is imported, so this is cheap.

    Raises:
        AbreastError: `entry` names none of `methods`.
    """
    if (method := entry.get("method")) not in methods:
        raise AbreastError(f"{where}.method is {method!r}; known are {', '.join(sorted(methods))}")


def make_method(entry: Mapping[str, Any], methods: Mapping[str, str], where: str) -> Any:
    """The method that `entry` names, made with its other items as knobs; what is left out has its default.

    Args:
        entry: such as `{"method": "lora", "rank": 8}`.
        methods: where the class of each method lies, as `module:name`.
        where: the path of the entry in params.yaml, for errors.

    Raises:
        AbreastError: an unknown method, or a knob that the method does not have or take; the message names it.
    """
    check_method(entry, methods, where)
    module, name = methods[entry["method"]].split(":")
    made = getattr(import_module(module), name)
    try:
        return made(made.Knobs.model_validate({k: v for k, v in entry.items() if k != "method"}))
    except ValidationError as error:
        first = error.errors()[0]
        knob = ".".join([where, *map(str, first["loc"])])
        known = ", ".join(made.Knobs.model_fields) or "none"
        said = first["msg"].removeprefix("Value error, ")
        raise AbreastError(f"{knob}: {said}; {entry['method']} has the knobs {known}") from None
