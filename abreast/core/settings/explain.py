"""What is wrong with params.yaml, in one line that names the knob."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from abreast.core.settings.describe import all_knobs
from abreast.core.settings.gates import GATE_FIELDS, class_of_measure


def explain(error: ValidationError, knobs: Mapping[str, Any]) -> str:
    """All faults that pydantic found, such as "knob `train.epochs` is 0: input should be greater than 0".

    Args:
        knobs: what was validated.
    """
    return "; ".join(
        _of_a_gate(one, knobs) if _is_in_a_gate(one) else _fault(one, _path(one["loc"])) for one in error.errors()
    )


def _fault(error: ErrorDetails, knob: str) -> str:
    words = error["msg"].removeprefix("Value error, ").replace("valid tuple", "list").replace("Tuple", "List")
    if not knob:
        return words
    if error["type"] == "extra_forbidden":
        return f"unknown knob `{knob}`{_nearest(knob)}"
    if isinstance(error["input"], dict):
        return f"knob `{knob}`: {words[0].lower()}{words[1:]}"
    return f"knob `{knob}` is {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _is_in_a_gate(error: ErrorDetails) -> bool:
    return len(error["loc"]) > 1 and error["loc"][0] == "gates"


def _of_a_gate(error: ErrorDetails, knobs: Mapping[str, Any]) -> str:
    """A fault of one gate; pydantic's path holds the measure after the place in the list."""
    _, place, *rest = error["loc"]
    gate = knobs["gates"][place]
    if not isinstance(gate, Mapping):
        return f"knob `gates.{place}` is {gate!r}: expected a mapping such as {{name: ..., measure: ...}}"
    name = f"gate `{gate['name']}`: " if "name" in gate else ""
    if not rest:
        return f"{name}{_of_the_measure(error, gate, f'gates.{place}.measure')}"
    measure, *inner = rest
    knob = _path(("gates", place, *inner))
    if error["type"] == "extra_forbidden" and inner[0] in GATE_FIELDS:
        taken = [field for field in GATE_FIELDS if field in class_of_measure(str(measure)).model_fields]
        return f"{name}knob `{knob}` does not go with {measure}, which takes {', '.join(taken)}"
    return name + _fault(error, knob)


def _of_the_measure(error: ErrorDetails, gate: Mapping[str, Any], knob: str) -> str:
    """A gate whose class is not known."""
    if error["type"] == "union_tag_not_found":
        return f"knob `{knob}`: field required"
    if error["type"] == "union_tag_invalid":
        return f"knob `{knob}` is {gate['measure']!r}: input should be {error['ctx']['expected_tags']}"
    return _fault(error, knob.removesuffix(".measure"))


def _path(places: tuple[object, ...]) -> str:
    return ".".join(map(str, places))


def _nearest(knob: str) -> str:
    """The known knob that was probably meant; a place in a list is not part of its name."""
    plain = ".".join(part for part in knob.split(".") if not part.isdecimal())
    near = get_close_matches(plain, list(all_knobs()), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""
