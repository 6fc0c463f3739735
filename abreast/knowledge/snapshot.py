"""Snapshots: the manifest of the drops and the parent model that one update learns from."""

import json
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from abreast.core.errors import AbreastError
from abreast.core.files import write_text
from abreast.core.validation import first_validation_error
from abreast.knowledge.drop import INFO, Digest, DropInfo, UtcTime, read_delivery, read_drop
from abreast.knowledge.record import Record

SNAPSHOT = "snapshot.json"


def _inside(path: str) -> str:
    if not path or Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError("must be a path inside the project, relative to its root")
    return path


RelativePath = Annotated[str, AfterValidator(_inside)]


class DropRef(BaseModel):
    """A drop of the snapshot; `path` is its folder, relative to the project's root."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: Digest
    path: RelativePath
    arrived_at: UtcTime
    name: str


class ParentRef(BaseModel):
    """The model that the update starts from: its version such as v3, and the digest of its model folder.

    `path` holds `model/` and `knowledge.parquet`, the knowledge base that the parent was trained on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    digest: Digest
    path: RelativePath

    @property
    def model(self) -> Path:
        """The parent's model folder, relative to the project's root."""
        return Path(self.path) / "model"

    @property
    def carried_state(self) -> Path:
        """What the parent's training left for the next one, in its model folder; it may have left nothing."""
        return self.model / "memory.safetensors"

    @property
    def knowledge(self) -> Path:
        """The parent's knowledge base, relative to the project's root."""
        return Path(self.path) / "knowledge.parquet"


class Snapshot(BaseModel):
    """What one update learns from: drops not yet learned, and the parent (null for the first model)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drops: tuple[DropRef, ...]
    parent: ParentRef | None = None


def load_snapshot(root: Path) -> Snapshot:
    """Read `root/snapshot.json`.

    Raises:
        AbreastError: it is missing or damaged.
    """
    path = root / SNAPSHOT
    try:
        return Snapshot.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; it lists the drops and the parent model of an update") from None
    except ValidationError as error:
        raise AbreastError(f"{path}: {first_validation_error(error, 'content')}") from None


def save_snapshot(root: Path, snapshot: Snapshot) -> Path:
    """Write `root/snapshot.json`; equal snapshots are equal bytes."""
    path = root / SNAPSHOT
    write_text(path, json.dumps(snapshot.model_dump(), indent=1, sort_keys=True) + "\n")
    return path


def load_drop(root: Path, ref: DropRef) -> tuple[DropInfo, list[Record]]:
    """Read the drop that `ref` names: a stored drop, or a clean delivery (for the desk).

    Raises:
        AbreastError: it is missing, or is not the drop that `ref` names by digest.
    """
    folder = root / ref.path
    if not folder.is_dir():
        raise AbreastError(f"{folder}: no such folder; {SNAPSHOT} names it as drop {ref.name}")
    stored = (folder / INFO).is_file()
    info, records = read_drop(folder) if stored else read_delivery(folder, ref.name, ref.arrived_at)
    if info.digest != ref.digest:
        raise AbreastError(f"{folder}: is drop {info.digest[:12]}, {SNAPSHOT} names {ref.digest[:12]} there")
    return info, records
