"""Training methods against forgetting, one a file: `train.regularizers` in params.yaml lists those to use, in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from abreast.core.errors import AbreastError
from abreast.learning.method_registry import check_method, make_method

METHODS = {
    "anchor": "abreast.learning.methods.anchor:Anchor",
    "average": "abreast.learning.methods.average:Average",
    "dare": "abreast.learning.methods.dare:Dare",
    "distil": "abreast.learning.methods.distil:Distil",
    "ewc": "abreast.learning.methods.ewc:EWC",
    "fgm": "abreast.learning.methods.fgm:FGM",
    "interpolate": "abreast.learning.methods.interpolate:Interpolate",
    "l2": "abreast.learning.methods.l2:L2",
    "locality": "abreast.learning.methods.locality:Locality",
    "noise": "abreast.learning.methods.noise:Noise",
    "orthogonal": "abreast.learning.methods.orthogonal:Orthogonal",
    "pgd": "abreast.learning.methods.pgd:PGD",
    "reptile": "abreast.learning.methods.reptile:Reptile",
    "self_distillation": "abreast.learning.methods.self_distillation:SelfDistillation",
    "prioritized": "abreast.learning.methods.prioritized:Prioritized",
    "ties": "abreast.learning.methods.ties:Ties",
}


def make_methods(chosen: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Make the methods that `train.regularizers` lists; their hooks are those of `abreast.learning.methods.protocol`.

    Args:
        chosen: such as `[{"method": "anchor", "weight": 2.0}]`; missing knobs have their defaults.

    Raises:
        AbreastError: an unknown method, an unknown knob or a value that it does not accept; the message names it.
    """
    check_methods(chosen)
    return [make_method(entry, METHODS, f"train.regularizers[{number}]") for number, entry in enumerate(chosen)]


def check_methods(chosen: Sequence[Mapping[str, Any]]) -> None:
    """Check the names of the methods. This imports nothing, so it is cheap; `make_methods` checks the knobs.

    Raises:
        AbreastError: an unknown method, or one that is listed twice; the message names its place.
    """
    methods = [entry.get("method") for entry in chosen]
    for number, method in enumerate(methods):
        check_method(chosen[number], METHODS, f"train.regularizers[{number}]")
        if (first := methods.index(method)) < number:
            raise AbreastError(
                f"train.regularizers[{number}].method: {method} is listed already, as train.regularizers[{first}]"
            )
