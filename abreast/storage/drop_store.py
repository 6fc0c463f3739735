"""The store of accepted drops: immutable, named by content, versioned by DVC and pushed to the remote."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.core.crash_points import crash_point
from abreast.core.disk_errors import storage_refusal
from abreast.core.errors import Unavailable
from abreast.core.files import flush, new_folder, remove_staging
from abreast.core.home import Home
from abreast.core.settings import Storage
from abreast.knowledge.drop import DropInfo, read_info, write_drop
from abreast.knowledge.record import Record
from abreast.storage.dvc_cache import (
    Pointer,
    configure_clone,
    exclusive,
    is_whole,
    opened,
    place,
    pointer_file,
    push,
    read_pointer,
    write_pointer,
)

if TYPE_CHECKING:
    from dvc.repo import Repo

__all__ = ["Pointer", "Store", "configure_clone", "place"]


@dataclass(frozen=True)
class Store:
    """Accepted drops under `home.drops`, which is a DVC repository without git.

    `<digest>/` holds a drop and `<digest>.dvc` its pointer; the pointer is written last.
    """

    home: Home
    storage: Storage
    project_root: Path

    def put(self, info: DropInfo, records: Iterable[Record]) -> Pointer:
        """Keep a drop: write it, put it into the DVC cache, and push it.

        Killed at any point and called again, it comes to the same end. A drop that is kept already stays as it is,
        with the name and the time of its first arrival.

        Raises:
            Unavailable: the disk is full, or the remote does not answer; nothing half done is left to be seen.
        """
        folder = self.home.drops / info.digest
        self._prepare()
        with opened(self.home.drops) as repo:
            if not pointer_file(folder).exists():
                self._write(folder, info, records)
                cached = _cache(repo, folder)
                crash_point("store.cached")
                write_pointer(folder, cached, crash_after="store.pointed")
            pointer = read_pointer(folder)
            push(repo, pointer, f"drop {info.name}")
        crash_point("store.pushed")
        return pointer

    def pointer(self, digest: str) -> Pointer:
        """What DVC holds for a kept drop; `AbreastError` if there is none."""
        return read_pointer(self.home.drops / digest)

    def info(self, digest: str) -> DropInfo:
        """What is known of a kept drop; `AbreastError` if there is none."""
        if not (self.home.drops / digest).exists():
            place(self.home.drops, digest, self.pointer(digest))
        return read_info(self.home.drops / digest)

    def fetch(self, name: str, pointer: Pointer) -> Path:
        """Have other content beside the drops, under the relative path `name`; see `place`."""
        self._prepare()
        return place(self.home.drops, name, pointer)

    def _prepare(self) -> None:
        """Make the repository if it is not there, and let it follow the knobs."""
        folder = self.home.drops / ".dvc"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with exclusive(self.home.drops):
                (folder / "config").write_text("[core]\n    no_scm = True\n")
        except OSError as error:
            raise storage_refusal(folder, error) from error
        configure_clone(self.home.drops, self.home, self.storage, self.project_root)

    def _write(self, folder: Path, info: DropInfo, records: Iterable[Record]) -> None:
        """Write the drop's folder whole; what kills left of this and other drops is deleted first."""
        remove_staging(folder.parent)
        with new_folder(folder, replace=True, crash_before="store.written", crash_after="store.named") as staging:
            write_drop(staging, info, records)
            for file in staging.iterdir():
                flush(file)


def _cache(repo: "Repo", folder: Path) -> Pointer:
    """Put a folder into the DVC cache."""
    stage = repo.stage.create(
        single_stage=True,
        validate=False,
        fname=str(pointer_file(folder)),
        wdir=str(folder.parent),
        outs=[folder.name],
        force=True,
    )
    stage.add_outs()
    (out,) = stage.outs
    pointer = Pointer(md5=out.hash_info.value, size=out.meta.size, nfiles=out.meta.nfiles)
    if not is_whole(repo.cache.local, pointer):
        raise Unavailable(f"{folder}: not all of it could be put into the DVC cache {repo.cache.local.path}")
    return pointer
