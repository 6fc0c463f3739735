"""Phrasings: facts put into words by templates that a user edits (`templates.yaml`)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Formatter
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from abreast.core.errors import AbreastError, one_line
from abreast.core.validation import first_validation_error
from abreast.dataset.sampling import stable_hash
from abreast.dataset.synonyms import synonym_variants

DEFAULT = "default"

Texts = Annotated[tuple[str, ...], Field(min_length=1)]


class Phrasings(BaseModel):
    """The phrasings of one field: for training, for development and for the test.

    `reverse` asks for the subject of a {value}, and `names` is the answer; `contrast` asks whether a {claim} holds.
    Both are for training only, if `knowledge.question_forms` names them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: Texts
    dev: Texts
    test: Texts
    reverse: tuple[str, ...] = ()
    names: str = Field("{key}", min_length=1)
    contrast: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _held_out(self) -> "Phrasings":
        self.placeholders()
        for placeholder, texts in (("value", self.reverse), ("claim", self.contrast)):
            if without := [text for text in texts if placeholder not in _placeholders(text)]:
                raise ValueError(f"{without[0]!r} asks about nothing; it must contain {{{placeholder}}}")
        trained = {_normalised(text) for text in (*self.train, *self.reverse, *self.contrast)}
        for text in (*self.dev, *self.test):
            if _normalised(text) in trained:
                raise ValueError(f"{text!r} is in train as well as in dev or test; keep it in one")
        return self

    def placeholders(self) -> set[str]:
        """The columns that the phrasings refer to."""
        plain = {name for text in (*self.train, *self.dev, *self.test, self.names) for name in _placeholders(text)}
        further = {name for text in (*self.reverse, *self.contrast) for name in _placeholders(text)}
        return plain | (further - {"value", "claim"})

    def extended(self, more: Mapping[str, Iterable[str]]) -> "Phrasings":
        """With further phrasings in `train`, given by their original, if they are new and keep the placeholders."""
        train, there = list(self.train), {_normalised(text) for text in (*self.train, *self.dev, *self.test)}
        for text in self.train:
            for other in more.get(text, ()):
                if _normalised(other) not in there and _same_placeholders(text, other):
                    there.add(_normalised(other))
                    train.append(other)
        return self.model_copy(update={"train": tuple(train)})

    def formatted(self, columns: Mapping[str, str]) -> "Phrasings":
        """The phrasings for one fact, given its columns."""
        return Phrasings.model_construct(
            train=tuple(text.format_map(columns) for text in self.train),
            dev=tuple(text.format_map(columns) for text in self.dev),
            test=tuple(text.format_map(columns) for text in self.test),
        )


class Templates(BaseModel):
    """The phrasings of each field, the answers that are not values, and synonyms."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    withdrawn: str = Field("withdrawn", min_length=1)
    still: str = Field("yes", min_length=1)
    no_longer: str = "no, {value}"
    synonyms: dict[str, Texts] = {}
    fields: dict[str, Phrasings]

    @model_validator(mode="after")
    def _usable(self) -> "Templates":
        if DEFAULT not in self.fields:
            raise ValueError(f"fields has no `{DEFAULT}`; it is used for the facts of any other field")
        if other := self.fields[DEFAULT].placeholders() - {"key"}:
            raise ValueError(f"`{DEFAULT}` must do with {{key}} alone, it has {{{sorted(other)[0]}}}")
        if _placeholders(self.no_longer) != ["value"]:
            raise ValueError(f"no_longer is {self.no_longer!r}; it must hold {{value}} and no other placeholder")
        return self

    def of(self, key: str, attributes: Mapping[str, str]) -> Phrasings:
        """The phrasings for one fact."""
        return self._phrasings(attributes).formatted({**attributes, "key": key})

    def reverse_pairs(self, key: str, attributes: Mapping[str, str], value: str) -> list[tuple[str, str]]:
        """The questions for the subject of the value, with their answers."""
        entry, columns = self._phrasings(attributes), {**attributes, "key": key, "value": value}
        return [(text.format_map(columns), entry.names.format_map(columns)) for text in entry.reverse]

    def contrast_pairs(
        self, key: str, attributes: Mapping[str, str], value: str, former: str, withdrawn: bool
    ) -> list[tuple[str, str]]:
        """The questions whether a former value holds, alternating with whether the current one holds."""
        pairs, columns = [], {**attributes, "key": key}
        for text in self._phrasings(attributes).contrast:
            pairs.append((text.format_map({**columns, "claim": former}), self.no_longer.format(value=value)))
            if not withdrawn:
                pairs.append((text.format_map({**columns, "claim": value}), self.still))
        return pairs

    def train_phrasings(self) -> list[str]:
        """Every phrasing of `train` of all fields, without duplicates."""
        return list(dict.fromkeys(text for phrasings in self.fields.values() for text in phrasings.train))

    def extended(self, more: Mapping[str, Iterable[str]]) -> "Templates":
        """With further training phrasings, given by their original; phrasings of dev and test are left out."""
        fields = {field: phrasings.extended(more) for field, phrasings in self.fields.items()}
        return self.model_copy(update={"fields": fields})

    def _phrasings(self, attributes: Mapping[str, str]) -> Phrasings:
        """The phrasings for a fact, by its field and its columns."""
        chosen = self.fields.get(attributes.get("field", DEFAULT), self.fields[DEFAULT])
        return chosen if chosen.placeholders() <= {*attributes, "key"} else self.fields[DEFAULT]


def pick_phrasings(texts: tuple[str, ...], name: str, count: int = 1) -> list[str]:
    """At most `count` of the texts: the same for the same name; a smaller count gives the first of them."""
    first = stable_hash(name, "phrasing") % len(texts)
    return [texts[(first + number) % len(texts)] for number in range(min(count, len(texts)))]


def load_templates(path: Path) -> Templates:
    """Read a file of templates; phrasings with its synonyms are added for training.

    Raises:
        AbreastError: it is missing, is not YAML, or an entry is invalid; the message names it.
    """
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
        templates = Templates.model_validate(read)
        return templates.extended(
            {text: synonym_variants(text, templates.synonyms) for text in templates.train_phrasings()}
        )
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; knob `knowledge.templates` names it") from None
    except yaml.YAMLError as error:
        raise AbreastError(f"{path}: not valid YAML: {one_line(error)}") from None
    except ValidationError as error:
        raise AbreastError(f"{path}: {first_validation_error(error, 'templates')}") from None


def _placeholders(text: str) -> list[str]:
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; write a placeholder as {{product}}") from None
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"{text!r}: {{{name}}} is no placeholder; name a column, such as {{product}}")
    return names


def _same_placeholders(text: str, other: str) -> bool:
    try:
        return sorted(_placeholders(text)) == sorted(_placeholders(other))
    except ValueError:
        return False


def _normalised(text: str) -> str:
    """The phrasing without case, extra spaces and final punctuation."""
    return " ".join(text.casefold().rstrip(" ?.!").split())
