"""Ways to adapt the base, one a file: `train.peft` in params.yaml names the one that is used, and its knobs."""

from collections.abc import Mapping
from typing import Any

from abreast.core.errors import AbreastError
from abreast.learning.adapters.protocol import Adaptation
from abreast.learning.method import make_method

METHODS = {
    "adalora": "abreast.learning.adapters.adalora:AdaLora",
    "full": "abreast.learning.adapters.full:Full",
    "ia3": "abreast.learning.adapters.ia3:IA3",
    "lora": "abreast.learning.adapters.lora:Lora",
    "osf": "abreast.learning.adapters.osf:OSF",
    "prefix": "abreast.learning.adapters.prefix:Prefix",
}


def make_adaptation(chosen: Mapping[str, Any]) -> Adaptation:
    """The way to adapt that `train.peft` names; neither torch nor PEFT is imported, so this is cheap.

    Args:
        chosen: such as `{"method": "lora", "rank": 8}`; what is left out has its default.

    Raises:
        AbreastError: an unknown method, or a knob that the method does not have or take; the message names it.
    """
    return make_method(chosen, METHODS, "train.peft")


def complete(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """`train.peft` with every knob of its method; raises as `make_adaptation` does."""
    return {"method": chosen.get("method"), **make_adaptation(chosen).knobs.model_dump()}


def check_experts(experts: str | None, chosen: Mapping[str, Any]) -> None:
    """Refuse experts that would be awake while a prompt is read; cheap as `make_adaptation`, and raises as it does.

    Args:
        experts: the knob `train.experts`.
        chosen: `train.peft`.
    """
    if experts and not make_adaptation(chosen).sleeps:
        raise AbreastError(
            f"train.experts is {experts}, which needs train.peft to be lora without dora, not {dict(chosen)}: "
            "the router reads a prompt before any expert is awake"
        )
