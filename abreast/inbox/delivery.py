"""A delivery in an inbox, and what every inbox can do."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict


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
        """Take local files in under `name`, or the next free name; see `abreast.inbox.open_inbox.deliver`."""


def fingerprint_of(parts: Iterable[tuple[str, ...]]) -> str:
    """A short hash over (name, size, time or ETag) of a delivery's files, in any order."""
    lines = sorted("\0".join(part) for part in parts)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:32]
