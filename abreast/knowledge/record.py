"""Records: one row of a drop, of one of six kinds, read into frozen models."""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from abreast.core.errors import AbreastError


class RecordError(AbreastError):
    """A row that is no record: the column at fault and what would be right. Never holds the row's content."""

    def __init__(self, field: str, message: str):
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def _iso_date(value: object) -> object:
    """Dates that Parquet gives as `date`, and ISO text; anything else is refused."""
    if isinstance(value, date):
        return value.isoformat()[:10]
    if not isinstance(value, str):
        raise ValueError("must be a date such as 2024-04-01")
    try:
        if len(value) != 10:
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError("must be a date such as 2024-04-01") from None


def _key(value: object) -> object:
    if isinstance(value, str) and value != value.strip():
        raise ValueError("must not begin or end with a space")
    return value


Key = Annotated[str, Field(min_length=1, max_length=512), BeforeValidator(_key)]
IsoDate = Annotated[str, BeforeValidator(_iso_date)]
NonEmptyText = Annotated[str, Field(min_length=1)]

_TAG = re.compile(r"O|[BIES]-\S+")


class _Base(BaseModel):
    """What every kind may carry. `as_of` is the day from which the record holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Key | None = None
    as_of: IsoDate | None = None
    domain: str | None = None
    source: str | None = None


class FactRecord(_Base):
    """A keyed value; null withdraws the key. Further columns are text attributes that the templates may use."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, str | None]

    kind: Literal["fact"] = "fact"
    key: Key
    value: NonEmptyText | None

    @property
    def attributes(self) -> dict[str, str]:
        """The further columns that hold something, such as product, release and field."""
        return {name: text for name, text in (self.__pydantic_extra__ or {}).items() if text is not None}


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["system", "user", "assistant"]
    content: NonEmptyText


class InstructionRecord(_Base):
    """A prompt with its completion, or messages that end with the assistant's."""

    kind: Literal["instruction"] = "instruction"
    prompt: NonEmptyText | None = None
    completion: NonEmptyText | None = None
    messages: tuple[Message, ...] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "InstructionRecord":
        pair = self.prompt is not None and self.completion is not None
        if self.messages is None and not pair:
            raise ValueError("needs prompt and completion, or messages")
        if self.messages is not None:
            if self.prompt is not None or self.completion is not None:
                raise ValueError("has messages beside prompt or completion: give one form")
            if len(self.messages) < 2 or self.messages[-1].role != "assistant":
                raise ValueError("messages must end with an assistant message that answers an earlier one")
        return self


class ClassificationRecord(_Base):
    """A text with one label."""

    kind: Literal["classification"] = "classification"
    text: NonEmptyText
    label: NonEmptyText


class TaggingRecord(_Base):
    """Tokens, each with a tag such as B-PER or O."""

    kind: Literal["tagging"] = "tagging"
    tokens: Annotated[tuple[NonEmptyText, ...], Field(min_length=1)]
    tags: tuple[NonEmptyText, ...]

    @model_validator(mode="after")
    def _same_length(self) -> "TaggingRecord":
        if len(self.tokens) != len(self.tags):
            raise ValueError(f"has {len(self.tokens)} tokens and {len(self.tags)} tags: one tag a token")
        if odd := next((place for place, tag in enumerate(self.tags, start=1) if not _TAG.fullmatch(tag)), None):
            raise ValueError(f"tag {odd} must be O, or B, I, E or S and a type, as in B-PER")
        return self


class RegressionRecord(_Base):
    """A text with a number."""

    kind: Literal["regression"] = "regression"
    text: NonEmptyText
    target: Annotated[float, Field(allow_inf_nan=False)]


class TextRecord(_Base):
    """Raw text."""

    kind: Literal["text"] = "text"
    text: NonEmptyText


Record = FactRecord | InstructionRecord | ClassificationRecord | TaggingRecord | RegressionRecord | TextRecord

RECORD_KINDS: dict[str, type[Record]] = {
    "fact": FactRecord,
    "instruction": InstructionRecord,
    "classification": ClassificationRecord,
    "tagging": TaggingRecord,
    "regression": RegressionRecord,
    "text": TextRecord,
}

_COLUMNS_OF_KIND = (
    ({"key", "value"}, "fact"),
    ({"messages"}, "instruction"),
    ({"prompt", "completion"}, "instruction"),
    ({"text", "label"}, "classification"),
    ({"tokens", "tags"}, "tagging"),
    ({"text", "target"}, "regression"),
    ({"text"}, "text"),
)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def infer_kind(row: Mapping[str, Any]) -> str:
    """The kind that the row names, or else the one that its columns tell.

    Raises:
        RecordError: the named kind is unknown, or no kind has these columns.
    """
    if (kind := row.get("kind")) is not None:
        if kind not in RECORD_KINDS:
            raise RecordError("kind", f"unknown kind; known are {', '.join(RECORD_KINDS)}")
        return str(kind)
    for columns, kind in _COLUMNS_OF_KIND:
        if columns <= row.keys():
            return kind
    raise RecordError("kind", f"cannot be told from the columns: {_missing(row)}")


def parse_record(row: Mapping[str, Any]) -> Record:
    """Read one row of a drop.

    Raises:
        RecordError: a column is missing, unknown or of the wrong type; the message never repeats the content.
    """
    kind = infer_kind(row)
    try:
        return RECORD_KINDS[kind].model_validate(row)
    except ValidationError as error:
        raise _explain(kind, error.errors(include_url=False, include_input=True)[0]) from None


def record_row(record: Record) -> dict[str, Any]:
    """The record as a plain row without empty columns; a fact's value stays even if it is null."""
    row = record.model_dump(mode="json", exclude_none=True)
    if isinstance(record, FactRecord):
        row["value"] = record.value
    return row


def canonical_json(value: Any) -> str:
    """One text for equal values: sorted names, no spaces, ASCII only; dates and the like as text."""
    return _CANONICAL.encode(value)


def _missing(row: Mapping[str, Any]) -> str:
    for have, need in (("key", "value"), ("value", "key"), ("prompt", "completion"), ("completion", "prompt")):
        if have in row and need not in row:
            return f"`{have}` is there, `{need}` is missing"
    forms = "; ".join(f"{'+'.join(sorted(columns))} ({kind})" for columns, kind in _COLUMNS_OF_KIND)
    return f"needs one of {forms}"


def _explain(kind: str, error: Mapping[str, Any]) -> RecordError:
    field = ".".join(str(part) for part in error["loc"]) or kind
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "missing":
        text = f"is missing; a record of kind {kind} needs it"
    elif error["type"] == "extra_forbidden":
        text = f"unknown column for kind {kind}; its own are {', '.join(RECORD_KINDS[kind].model_fields)}"
    elif error["type"] == "string_too_short":
        text = "is empty" + ("; null withdraws a fact" if field == "value" else "")
    elif error["type"] == "string_type":
        text = f"must be text, got {type(error['input']).__name__}"
    return RecordError(field, text)
