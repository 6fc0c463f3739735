"""What lies in an inbox: deliveries, the markers that say that one is complete, and its manifest."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.validation import first_fault

SUCCESS = "_SUCCESS"
MANIFEST = "manifest.json"
DONE = ".done"
DATA_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".parquet", ".jsonl.gz", ".ndjson.gz", ".csv.gz")


class Delivery(BaseModel):
    """One complete delivery.

    `uri` says where it lies, `name` is its file's or folder's name, `files` are the data files' names relative to it
    (one name for a single file), and `fingerprint` changes when sizes, times (folder) or ETags (S3) do: cheap to take,
    it tells whether a delivery was looked at before. The content digest is taken later, from the rows.
    """

    model_config = ConfigDict(frozen=True)

    uri: str
    name: str
    fingerprint: str
    files: tuple[str, ...]


class Inbox(Protocol):
    """Where drops arrive. Nothing in it is ever moved, changed or deleted by Abreast."""

    def complete(self) -> Iterator[Delivery]:
        """Every complete delivery, lazily, by name."""

    def incomplete(self) -> list[str]:
        """What is not complete yet, each as `name: why`."""

    def fetch(self, delivery: Delivery, into: Path) -> Path:
        """Copy the delivery's data files below the folder `into`, and return it.

        Raises:
            AbreastError: a file changed since it was listed, or differs from its manifest.
        """

    def receive(self, files: dict[str, Path], name: str, single: bool) -> Delivery:
        """Take local files in under `name`, or the next free name; see `abreast.inbox.arrival.deliver`."""


class ManifestFile(BaseModel):
    """One file that a manifest promises."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")] | None = None
    rows: Annotated[int, Field(ge=0)] | None = None


class Manifest(BaseModel):
    """The content of `manifest.json`: `{"files": [{"name": ..., "sha256": ..., "rows": ...}]}`."""

    model_config = ConfigDict(frozen=True)

    files: Annotated[tuple[ManifestFile, ...], Field(min_length=1)]

    def lacking(self, present: Iterable[str]) -> list[str]:
        """The promised names that are not `present`."""
        there = set(present)
        return [file.name for file in self.files if file.name not in there]


def parse_manifest(text: bytes, where: str) -> Manifest:
    """Read a manifest; `AbreastError` naming `where` and the field if it is not one."""
    try:
        manifest = Manifest.model_validate(json.loads(text))
    except ValidationError as error:
        fault = first_fault(error, "content")
        raise AbreastError(f"{where}: {fault}; expected {{'files': [{{'name': ...}}]}}") from None
    except (ValueError, RecursionError):
        raise AbreastError(f"{where}: not valid JSON; expected {{'files': [{{'name': ...}}]}}") from None
    for file in manifest.files:
        check_relative(file.name, where)
    return manifest


def check_manifest(manifest: Manifest, folder: Path, where: str) -> None:
    """Compare fetched files with what the manifest promises (checksums and numbers of rows)."""
    from abreast.inbox.reader import read_rows

    for file in manifest.files:
        if file.sha256 and sha256_of(folder / file.name) != file.sha256.lower():
            raise AbreastError(f"{where}: {file.name}: sha256 differs from {MANIFEST}; deliver it again")
        if file.rows is not None and (rows := sum(1 for _ in read_rows(folder / file.name))) != file.rows:
            raise AbreastError(f"{where}: {file.name}: {rows} rows, {MANIFEST} says {file.rows}; deliver it again")


def check_relative(name: str, where: str) -> None:
    """Refuse a file name that would leave the folder it is put into."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise AbreastError(f"{where}: file name {name!r} leads outside its folder; expected a relative name")


def left_alone(name: str) -> bool:
    """Whether some part of a name says: hidden, or still being written."""
    return any(p.startswith(".") or p.endswith((".part", ".tmp")) for p in PurePosixPath(name).parts)


def is_data(name: str) -> bool:
    """Whether a file of this name is one that the reader knows."""
    return name.lower().endswith(DATA_SUFFIXES)


def payload(names: Iterable[str]) -> list[str]:
    """The data files among the names in a delivered folder: all but markers and what is left alone, sorted."""
    return sorted(n for n in names if n not in (SUCCESS, MANIFEST) and not left_alone(n))


def fingerprint_of(parts: Iterable[tuple[str, ...]]) -> str:
    """A short hash over (name, size, time or ETag) of a delivery's files, in any order."""
    lines = sorted("\0".join(part) for part in parts)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def sha256_of(path: Path) -> str:
    """The checksum of one file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def numbered(name: str) -> Iterator[str]:
    """`a.jsonl`, `a-2.jsonl`, `a-3.jsonl` ...: names to try until one is free."""
    yield name
    suffix = next((s for s in sorted(DATA_SUFFIXES, key=len, reverse=True) if name.lower().endswith(s)), "")
    stem, ending = (name[: -len(suffix)], name[-len(suffix) :]) if suffix else (name, "")
    number = 2
    while True:
        yield f"{stem}-{number}{ending}"
        number += 1
