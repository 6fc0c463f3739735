"""The row screen: each row of a delivery becomes a record, or a reason for setting it aside.

A reason names file, row and field, and never repeats the content of the row.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from abreast.contract.near_duplicates import NearDuplicates
from abreast.contract.personal_data import find_personal_data
from abreast.core.settings import Intake
from abreast.inbox.reader import RawRow
from abreast.knowledge.record import (
    FactRecord,
    InstructionRecord,
    Record,
    RecordError,
    canonical_json,
    parse_record,
    record_row,
)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]")
_BREAK = re.compile(r"[\r\n\t]")
_DAMAGED = "\ufffd"
_ENVELOPE = ("as_of", "kind")


class Reason(BaseModel):
    """Why a row was set aside. `repeats`: it duplicates another row, which is not a fault of the drop."""

    model_config = ConfigDict(frozen=True)

    file: str
    row: int
    field: str
    message: str
    repeats: bool = False
    personal: bool = False

    def __str__(self) -> str:
        return f"{self.file}: row {self.row}: {self.field}: {self.message}"


@dataclass
class ScreenResult:
    """The good records by file and row, the reasons for the other rows, and the kinds that the knobs do not accept."""

    records: dict[tuple[str, int], Record] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)
    refused_kinds: set[str] = field(default_factory=set)

    @property
    def bad(self) -> int:
        """How many rows are at fault; duplicates do not count."""
        return sum(not reason.repeats for reason in self.reasons)


def screen(rows: Iterable[RawRow], intake: Intake) -> ScreenResult:
    """Screen rows in the order given; of duplicates, the first is kept."""
    screened = ScreenResult()
    seen: dict[str, RawRow] = {}
    near = NearDuplicates(intake.near_duplicate)
    for row in rows:
        outcome = _screen_row(row, intake, screened)
        if isinstance(outcome, Reason):
            screened.reasons.append(outcome)
        elif reason := _repeats(row, outcome, seen, near):
            screened.reasons.append(reason)
        else:
            screened.records[row.file, row.row] = outcome
    _set_conflicts_aside(screened)
    return screened


def _screen_row(row: RawRow, intake: Intake, screened: ScreenResult) -> Record | Reason:
    def refuse(field: str, message: str, personal: bool = False) -> Reason:
        shown = "column" if _name_fault(field) else field
        return Reason(file=row.file, row=row.row, field=shown, message=message, personal=personal)

    if row.data is None:
        return refuse("line", row.error or "cannot be read", personal=bool(row.text and find_personal_data(row.text)))
    try:
        record = parse_record(row.data)
    except RecordError as error:
        return refuse(error.field, error.message, personal=_is_personal(row.data))
    for name in row.data:
        if message := _name_fault(name):
            return refuse(name, message, personal=True)
    for name, text in _texts(record):
        if message := _fault(name, text, record, intake.max_chars):
            return refuse(name, message, personal=_is_personal(row.data))
        if kind := find_personal_data(text, context=record.key or "", is_value=isinstance(record, FactRecord)):
            return refuse(name, f"holds {kind}; personal data is not taken", personal=True)
    if record.kind not in intake.kinds:
        screened.refused_kinds.add(record.kind)
        return refuse("kind", f"{record.kind} is not taken; the knob `intake.kinds` takes {', '.join(intake.kinds)}")
    return record


@lru_cache(maxsize=1024)
def _name_fault(name: str) -> str | None:
    """What is wrong with the name of a column, if anything; such a name is not repeated in a reason."""
    if _CONTROL.search(name) or _BREAK.search(name):
        return "its name holds a control character or a line break"
    kind = find_personal_data(name)
    return f"its name holds {kind}; personal data is not taken" if kind else None


def _is_personal(data: dict) -> bool:
    return bool(find_personal_data(canonical_json(data)))


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    """Every text of a record with the path of its field, such as `messages.1.content`."""
    for name, value in record_row(record).items():
        if name not in _ENVELOPE:
            yield from _strings(name, value)


def _strings(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list | dict):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inner:
            yield from _strings(f"{name}.{key}", item)


def _fault(name: str, text: str, record: Record, max_chars: int) -> str | None:
    """What is wrong with one text of a record, apart from personal data, if anything."""
    if len(text) > max_chars:
        return f"has {len(text)} characters; the knob `intake.max_chars` allows {max_chars}"
    if match := _CONTROL.search(text):
        return f"holds the control character U+{ord(match[0]):04X} at position {match.start() + 1}"
    if (isinstance(record, FactRecord) or name == "key") and (match := _BREAK.search(text)):
        return f"holds a line break or tab at position {match.start() + 1}; expected one line"
    if _DAMAGED in text:
        return f"holds U+FFFD at position {text.index(_DAMAGED) + 1}: its encoding was damaged before; expected UTF-8"
    if not text.strip():
        return "holds nothing but white space"
    return None


def _repeats(row: RawRow, record: Record, seen: dict[str, RawRow], near: NearDuplicates) -> Reason | None:
    """The reason if the row duplicates an earlier one, exactly or nearly (nearly: free text without a key only)."""
    first = seen.setdefault(canonical_json(record_row(record)), row)
    if first is not row:
        return _repetition(row, "row", f"repeats {first.file} row {first.row}")
    if record.key is None and (text := _free_text(record)):
        group, words = text
        if twin := near.find_or_add(group, words, row):
            return _repetition(row, "text", f"is nearly the same as {twin.file} row {twin.row}")
    return None


def _repetition(row: RawRow, field: str, message: str) -> Reason:
    return Reason(file=row.file, row=row.row, field=field, message=message, repeats=True)


def _free_text(record: Record) -> tuple[str, str] | None:
    """A group and the free text of a record; only texts of one group can be near duplicates."""
    if isinstance(record, InstructionRecord):
        turns = [m.content for m in record.messages or ()] or [record.prompt, record.completion]
        return "instruction", "\n".join(turns)
    if text := getattr(record, "text", None):
        return f"{record.kind}\0{getattr(record, 'label', getattr(record, 'target', ''))}", text
    return None


def _set_conflicts_aside(screened: ScreenResult) -> None:
    """Set aside records that contradict each other: two contents for one key and one day.

    A record without `as_of` holds from the day of its arrival, which is not known here: it must agree with every other
    record of its key.
    """
    of_key: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for place, record in screened.records.items():
        if record.key is not None:
            of_key[record.key].append(place)
    for places in of_key.values():
        if len(places) > 1:
            screened.reasons += _contradictions({place: screened.records[place] for place in places})
    for reason in screened.reasons:
        screened.records.pop((reason.file, reason.row), None)


def _contradictions(records: dict[tuple[str, int], Record]) -> Iterator[Reason]:
    """Reasons for the records of one key that disagree with another record of the same day."""
    undated = any(record.as_of is None for record in records.values())
    of_day: dict[str | None, dict[str, tuple[str, int]]] = defaultdict(dict)
    for place, record in records.items():
        of_day[None if undated else record.as_of].setdefault(_content(record), place)
    for (file, row), record in records.items():
        contents = of_day[None if undated else record.as_of]
        others = [place for content, place in contents.items() if content != _content(record)][:3]
        if others:
            where = ", ".join(f"{other} row {number}" for other, number in others)
            message = f"something else is given for the same key and day in {where}"
            yield Reason(file=file, row=row, field="value", message=message)


def _content(record: Record) -> str:
    """What two records of a key must agree on: the value of a fact, all columns of any other record."""
    if isinstance(record, FactRecord):
        return canonical_json([record.kind, record.value])
    return canonical_json({k: v for k, v in record_row(record).items() if k not in ("as_of", "domain", "source")})
