"""Ways to adapt the base, one a file: `train.adapt` in params.yaml names the one that is used, and its knobs."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from pydantic import ValidationError

from abreast.errors import AbreastError
from abreast.learning.adaptation.protocol import Adaptation

METHODS = {
    "adalora": "abreast.learning.adaptation.adalora:AdaLora",
    "full": "abreast.learning.adaptation.full:Full",
    "ia3": "abreast.learning.adaptation.ia3:IA3",
    "lora": "abreast.learning.adaptation.lora:Lora",
    "prefix": "abreast.learning.adaptation.prefix:Prefix",
}


def make_adaptation(chosen: Mapping[str, Any]) -> Adaptation:
    """The way to adapt that `train.adapt` names; neither torch nor PEFT is imported, so this is cheap.

    Args:
        chosen: such as `{"method": "lora", "rank": 8}`; what is left out has its default.

    Raises:
        AbreastError: an unknown method, or a knob that the method does not have or take; the message names it.
    """
    method = chosen.get("method")
    if method not in METHODS:
        raise AbreastError(f"train.adapt.method is {method!r}; known are {', '.join(sorted(METHODS))}")
    module, name = METHODS[method].split(":")
    adaptation = getattr(import_module(module), name)
    try:
        return adaptation(adaptation.Knobs.model_validate({k: v for k, v in chosen.items() if k != "method"}))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["train.adapt", *map(str, first["loc"])])
        known = ", ".join(adaptation.Knobs.model_fields) or "none"
        said = first["msg"].removeprefix("Value error, ")
        raise AbreastError(f"{where}: {said}; {method} has the knobs {known}") from None


def complete(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """`train.adapt` with every knob of its method; raises as `make_adaptation` does."""
    return {"method": chosen.get("method"), **make_adaptation(chosen).knobs.model_dump()}
