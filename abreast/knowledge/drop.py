"""Drops: what identifies one, and the form in which an accepted one is stored.

A stored drop is a folder named by its digest, with `records.jsonl` (one canonical record a line) and `drop.json`.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error
from abreast.inbox.reader import RawRow, read_rows
from abreast.knowledge.record import Record, canonical_json, parse_record, record_row

RECORDS = "records.jsonl"
INFO = "drop.json"


def _utc(value: object) -> object:
    """ISO time with a zone, as UTC of one fixed width, so that text order is time order."""
    if not isinstance(value, str):
        raise ValueError("must be ISO text with a zone, such as 2024-04-02T08:00:00Z")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("has no time zone; write for example 2024-04-02T08:00:00Z")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


UtcTime = Annotated[str, BeforeValidator(_utc)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class DropInfo(BaseModel):
    """What is known of a drop beside its records. `rows` counts what was delivered, good and bad.

    `records_digest` is the SHA-256 of `records.jsonl`; `write_drop` fills it in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: Digest
    name: str
    arrived_at: UtcTime
    rows: int
    accepted: int
    quarantined: int
    kinds: dict[str, int]
    records_digest: str = ""


def drop_digest(rows: Iterable[dict[str, Any] | str]) -> str:
    """SHA-256 hex of a delivery's raw rows; a line that could not be parsed is given as text.

    File names, the order of rows and their splitting into files do not matter; how often a row occurs does.
    """
    sha = hashlib.sha256()
    for line in sorted(canonical_json(row.rstrip("\r\n") if isinstance(row, str) else row) for row in rows):
        sha.update(line.encode())
        sha.update(b"\n")
    return sha.hexdigest()


def write_drop(folder: Path, info: DropInfo, records: Iterable[Record]) -> DropInfo:
    """Write a drop into `folder` (made if need be); gives back `info` with its `records_digest`.

    Records are sorted, so equal drops are equal bytes apart from name and time of arrival.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in sorted(canonical_json(record_row(r)) for r in records)).encode()
    info = info.model_copy(update={"records_digest": hashlib.sha256(content).hexdigest()})
    (folder / RECORDS).write_bytes(content)
    (folder / INFO).write_text(json.dumps(info.model_dump(), indent=1, sort_keys=True) + "\n")
    return info


def read_info(folder: Path) -> DropInfo:
    """Read `drop.json` of a stored drop.

    Raises:
        AbreastError: it is missing or damaged.
    """
    path = folder / INFO
    try:
        return DropInfo.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; a stored drop holds {INFO} and {RECORDS}") from None
    except ValidationError as error:
        raise AbreastError(f"{path}: damaged: {first_validation_error(error, 'content')}") from None


def read_drop(folder: Path) -> tuple[DropInfo, list[Record]]:
    """Read a stored drop and check its content.

    Raises:
        AbreastError: a file is missing, or the records are not those that were written.
    """
    info = read_info(folder)
    path = folder / RECORDS
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; a stored drop holds {INFO} and {RECORDS}") from None
    if hashlib.sha256(content).hexdigest() != info.records_digest:
        raise AbreastError(f"{path}: its content is not what {INFO} records; restore the drop from the remote")
    records = [parse_record(json.loads(line)) for line in content.splitlines()]
    if len(records) != info.accepted:
        raise AbreastError(f"{path}: holds {len(records)} records, {INFO} says {info.accepted}")
    return info, records


def read_delivery(folder: Path, name: str, arrived_at: str) -> tuple[DropInfo, list[Record]]:
    """Read a folder of clean data files just as it was delivered: for the desk, where no intake ran.

    Raises:
        AbreastError: there is no row, or one is no record; deliver such a folder to an inbox instead.
    """
    rows: list[dict[str, Any] | str] = []
    records = []
    for raw in read_rows(folder):
        records.append(_record(raw, folder))
        rows.append(raw.data or {})
    if not rows:
        raise AbreastError(f"{folder}: holds neither {INFO} nor data files with rows, so it is no drop")
    info = DropInfo(
        digest=drop_digest(rows),
        name=name,
        arrived_at=arrived_at,
        rows=len(rows),
        accepted=len(rows),
        quarantined=0,
        kinds=_count([record.kind for record in records]),
    )
    return info, records


def _record(raw: RawRow, folder: Path) -> Record:
    try:
        if raw.data is None:
            raise AbreastError(raw.error)
        return parse_record(raw.data)
    except AbreastError as error:
        where = f"{folder / raw.file}: row {raw.row}"
        raise AbreastError(f"{where}: {error}; deliver the folder to an inbox to have bad rows set aside") from None


def _count(kinds: Sequence[str]) -> dict[str, int]:
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}
