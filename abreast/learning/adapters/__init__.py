"""Adapter methods, one a file: `train.peft` in params.yaml names the one to use, and its knobs."""

from collections.abc import Mapping
from typing import Any

from abreast.core.errors import AbreastError
from abreast.learning.adapters.protocol import AdapterMethod
from abreast.learning.method_registry import make_method

METHODS = {
    "adalora": "abreast.learning.adapters.adalora:AdaLora",
    "full": "abreast.learning.adapters.full:Full",
    "ia3": "abreast.learning.adapters.ia3:IA3",
    "lora": "abreast.learning.adapters.lora:Lora",
    "osf": "abreast.learning.adapters.osf:OSF",
    "prefix": "abreast.learning.adapters.prefix:Prefix",
}


def make_adapter_method(chosen: Mapping[str, Any]) -> AdapterMethod:
    """Make the adapter method that `train.peft` names; imports neither torch nor PEFT, so this is cheap.

    Args:
        chosen: such as `{"method": "lora", "rank": 8}`; missing knobs have their defaults.

    Raises:
        AbreastError: an unknown method, an unknown knob or a value that it does not accept; the message names it.
    """
    return make_method(chosen, METHODS, "train.peft")


def with_defaults(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """`train.peft` with every knob of its method; raises as `make_adapter_method` does."""
    return {"method": chosen.get("method"), **make_adapter_method(chosen).knobs.model_dump()}


def check_experts(experts: str | None, chosen: Mapping[str, Any]) -> None:
    """Refuse experts with an adapter that is active in the prompt; cheap, and raises as `make_adapter_method` does.

    Args:
        experts: the knob `train.experts`.
        chosen: `train.peft`.
    """
    if experts and not make_adapter_method(chosen).activated:
        raise AbreastError(
            f"train.experts is {experts}, which needs train.peft to be lora without dora, not {dict(chosen)}: "
            "the router reads a prompt before any expert is active"
        )
