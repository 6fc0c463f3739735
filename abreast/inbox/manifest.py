"""The manifest of a delivered folder: the files that it promises, with their checksums and numbers of rows."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.files import sha256_of
from abreast.core.validation import first_validation_error
from abreast.inbox.file_names import MANIFEST, check_relative
from abreast.inbox.reader import read_rows


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

    def missing(self, present: Iterable[str]) -> list[str]:
        """The promised names that are not `present`."""
        there = set(present)
        return [file.name for file in self.files if file.name not in there]


def parse_manifest(text: bytes, where: str) -> Manifest:
    """Read a manifest; `AbreastError` naming `where` and the field if it is not one."""
    try:
        manifest = Manifest.model_validate(json.loads(text))
    except ValidationError as error:
        error_text = first_validation_error(error, "content")
        raise AbreastError(f"{where}: {error_text}; expected {{'files': [{{'name': ...}}]}}") from None
    except (ValueError, RecursionError):
        raise AbreastError(f"{where}: not valid JSON; expected {{'files': [{{'name': ...}}]}}") from None
    for file in manifest.files:
        check_relative(file.name, where)
    return manifest


def check_manifest(manifest: Manifest, folder: Path, where: str) -> None:
    """Compare fetched files with what the manifest promises (checksums and numbers of rows)."""
    for file in manifest.files:
        if file.sha256 and sha256_of(folder / file.name) != file.sha256.lower():
            raise AbreastError(f"{where}: {file.name}: sha256 differs from {MANIFEST}; deliver it again")
        if file.rows is not None and (rows := sum(1 for _ in read_rows(folder / file.name))) != file.rows:
            raise AbreastError(f"{where}: {file.name}: {rows} rows, {MANIFEST} says {file.rows}; deliver it again")
