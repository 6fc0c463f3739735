"""Ways to remember, one a file: `train.regularizers` in params.yaml lists those that are used, in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from abreast.core.errors import AbreastError
from abreast.learning.method import check_method, make_method

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
    "self_distillation": "abreast.learning.methods.self_distillation:OwnAnswers",
    "prioritized": "abreast.learning.methods.prioritized:Surprise",
    "ties": "abreast.learning.methods.ties:Ties",
}


def make_strategies(chosen: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The strategies that `train.regularizers` names, each a class of `abreast.learning.methods.protocol`'s hooks.

    Args:
        chosen: such as `[{"method": "anchor", "weight": 2.0}]`; what is left out has its default.

    Raises:
        AbreastError: an unknown method, or a knob that the method does not have or take; the message names it.
    """
    check_methods(chosen)
    return [make_method(entry, METHODS, f"train.regularizers[{number}]") for number, entry in enumerate(chosen)]


def check_methods(chosen: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what is no method; nothing is imported, so this is cheap, but knobs are left to `make_strategies`.

    Raises:
        AbreastError: an unknown method, or one that is listed twice; the message names where it stands.
    """
    methods = [entry.get("method") for entry in chosen]
    for number, method in enumerate(methods):
        check_method(chosen[number], METHODS, f"train.regularizers[{number}]")
        if (first := methods.index(method)) < number:
            raise AbreastError(
                f"train.regularizers[{number}].method: {method} is listed already, as train.regularizers[{first}]"
            )
