"""Every knob by its path, and what it means in one line."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from abreast.core.settings.gates import GATE_CLASSES, GATE_FIELDS
from abreast.core.settings.params import Params


def all_knobs() -> dict[str, str]:
    """Each knob's path and what it means: `{"train": "How ...", "train.epochs": "most passes ...", ...}`.

    The fields of each gate are `gates.measure` and so on, without its place in the list.
    """
    known = {}
    for section, field in Params.model_fields.items():
        known[section] = describe(field)
        known |= dict(_gate_fields() if section == "gates" else _fields(section, field.annotation))
    return known


def describe(field: FieldInfo) -> str:
    """What a knob or a section means, with the values that it may have if they are few."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        return " ".join((field.annotation.__doc__ or "").split())
    return _with_choices(field.description or "", choices_of(field.annotation))


def choices_of(annotation: Any) -> tuple[Any, ...]:
    """The values of a `Literal`, or of one inside a union or a tuple; empty for another type."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(choice for part in get_args(annotation) for choice in choices_of(part))


def _fields(path: str, annotation: Any) -> Iterator[tuple[str, str]]:
    """The knobs of a section, and of sections within it."""
    if get_origin(annotation) in (Union, UnionType):
        for part in get_args(annotation):
            yield from _fields(path, part)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield f"{path}.{name}", describe(field)
            yield from _fields(f"{path}.{name}", field.annotation)


def _gate_fields() -> Iterator[tuple[str, str]]:
    """The fields of the gates of all classes together."""
    for name in GATE_FIELDS:
        fields = [one.model_fields[name] for one in GATE_CLASSES if name in one.model_fields]
        choices = dict.fromkeys(choice for field in fields for choice in choices_of(field.annotation))
        yield f"gates.{name}", _with_choices(fields[0].description or "", tuple(choices))


def _with_choices(words: str, choices: tuple[Any, ...]) -> str:
    """A description that names the choices, unless it does so already."""
    names = [str(choice) for choice in choices]
    if len(names) < 2 or all(name in words for name in names):
        return words
    return f"{words} ({', '.join(names)})"
