"""Phrasings: facts put into words by templates that a user edits (`templates.yaml`)."""

from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from abreast.errors import AbreastError
from abreast.fault import first_fault
from abreast.knowledge.sample import stable_hash

DEFAULT = "default"

Texts = Annotated[tuple[str, ...], Field(min_length=1)]


class Phrasings(BaseModel):
    """The ways to ask for one field: those taught, those asked during training, those asked at the end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Texts
    dev: Texts
    test: Texts

    @model_validator(mode="after")
    def _held_out(self) -> "Phrasings":
        self.placeholders()
        taught = {_plain(text) for text in self.train}
        for text in (*self.dev, *self.test):
            if _plain(text) in taught:
                raise ValueError(f"{text!r} is in train as well as in dev or test; keep it in one")
        return self

    def placeholders(self) -> set[str]:
        """The columns that the phrasings speak of."""
        return {name for text in (*self.train, *self.dev, *self.test) for name in _placeholders(text)}

    def filled(self, columns: Mapping[str, str]) -> "Phrasings":
        """The phrasings about one fact, given its columns."""
        return Phrasings.model_construct(
            train=tuple(text.format_map(columns) for text in self.train),
            dev=tuple(text.format_map(columns) for text in self.dev),
            test=tuple(text.format_map(columns) for text in self.test),
        )


class Templates(BaseModel):
    """The phrasings of each field, and the answer taught for a withdrawn key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    withdrawn: str = Field("withdrawn", min_length=1)
    fields: dict[str, Phrasings]

    @model_validator(mode="after")
    def _usable(self) -> "Templates":
        if DEFAULT not in self.fields:
            raise ValueError(f"fields has no `{DEFAULT}`; it words the facts of any other field")
        if other := self.fields[DEFAULT].placeholders() - {"key"}:
            raise ValueError(f"`{DEFAULT}` must do with {{key}} alone, it has {{{sorted(other)[0]}}}")
        return self

    def of(self, key: str, attributes: Mapping[str, str]) -> Phrasings:
        """The phrasings about one fact."""
        columns = {**attributes, "key": key}
        chosen = self.fields.get(attributes.get("field", DEFAULT), self.fields[DEFAULT])
        if not chosen.placeholders() <= columns.keys():
            chosen = self.fields[DEFAULT]
        return chosen.filled(columns)


def pick(texts: tuple[str, ...], name: str) -> str:
    """One of the texts, always the same for one name."""
    return texts[stable_hash(name, "phrasing") % len(texts)]


def load_templates(path: Path) -> Templates:
    """Read a file of templates.

    Raises:
        AbreastError: it is missing, is not YAML, or an entry is at fault; the message names it.
    """
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Templates.model_validate(read)
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; knob `knowledge.templates` names it") from None
    except yaml.YAMLError as error:
        raise AbreastError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise AbreastError(f"{path}: {first_fault(error, 'templates')}") from None


def _placeholders(text: str) -> list[str]:
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; write a placeholder as {{product}}") from None
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"{text!r}: {{{name}}} is no placeholder; name a column, such as {{product}}")
    return names


def _plain(text: str) -> str:
    """The phrasing without what the eye does not see as a difference."""
    return " ".join(text.casefold().rstrip(" ?.!").split())
