"""Ways to remember, one a file: `train.remember` in params.yaml lists those that are used, in order."""

from collections.abc import Mapping, Sequence
from typing import Any

from abreast.errors import AbreastError
from abreast.learning.method import check_method, make_method

METHODS = {
    "anchor": "abreast.learning.strategies.anchor:Anchor",
    "average": "abreast.learning.strategies.average:Average",
    "dare": "abreast.learning.strategies.dare:Dare",
    "distil": "abreast.learning.strategies.distil:Distil",
    "ewc": "abreast.learning.strategies.ewc:EWC",
    "fgm": "abreast.learning.strategies.fgm:FGM",
    "interpolate": "abreast.learning.strategies.interpolate:Interpolate",
    "l2": "abreast.learning.strategies.l2:L2",
    "locality": "abreast.learning.strategies.locality:Locality",
    "noise": "abreast.learning.strategies.noise:Noise",
    "orthogonal": "abreast.learning.strategies.orthogonal:Orthogonal",
    "pgd": "abreast.learning.strategies.pgd:PGD",
    "reptile": "abreast.learning.strategies.reptile:Reptile",
    "self": "abreast.learning.strategies.own_answers:OwnAnswers",
    "surprise": "abreast.learning.strategies.surprise:Surprise",
    "ties": "abreast.learning.strategies.ties:Ties",
}


def make_strategies(chosen: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The strategies that `train.remember` names, each a class of `abreast.learning.strategies.protocol`'s hooks.

    Args:
        chosen: such as `[{"method": "anchor", "weight": 2.0}]`; what is left out has its default.

    Raises:
        AbreastError: an unknown method, or a knob that the method does not have or take; the message names it.
    """
    check_methods(chosen)
    return [make_method(entry, METHODS, f"train.remember[{number}]") for number, entry in enumerate(chosen)]


def check_methods(chosen: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what is no method; nothing is imported, so this is cheap, but knobs are left to `make_strategies`.

    Raises:
        AbreastError: an unknown method, or one that is listed twice; the message names where it stands.
    """
    methods = [entry.get("method") for entry in chosen]
    for number, method in enumerate(methods):
        check_method(chosen[number], METHODS, f"train.remember[{number}]")
        if (first := methods.index(method)) < number:
            raise AbreastError(
                f"train.remember[{number}].method: {method} is listed already, as train.remember[{first}]"
            )
