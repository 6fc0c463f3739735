"""Durable writes: a file or a folder appears under its name whole, or not at all.

Both are written under a hidden name beside the target and then renamed: a reader, or whoever comes after a kill,
never meets half of one. `crash_before` and `crash_after` name the crash points on either side of the rename.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

from abreast.core.crash_points import crash_point

STAGING = ".incoming-"


@contextmanager
def new_file(path: Path, *, crash_before: str | None = None, crash_after: str | None = None) -> Iterator[Path]:
    """Give a path to write to; at the end of the block that file replaces `path`. The folder is made if it is missing.

    Raises:
        OSError: the file cannot be written; `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid4().hex}.part")
    try:
        yield partial
        crash_point(crash_before)
        partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    crash_point(crash_after)


def write_text(path: Path, text: str, *, crash_before: str | None = None, crash_after: str | None = None) -> None:
    """Replace the content of `path` by `text`, in UTF-8; see `new_file`."""
    with new_file(path, crash_before=crash_before, crash_after=crash_after) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def staging_folder(parent: Path, name: str = "") -> Iterator[Path]:
    """An empty folder in `parent` for `publish`, readable by its owner alone; what is left of it is deleted."""
    parent.mkdir(parents=True, exist_ok=True)
    staging = Path(mkdtemp(prefix=f"{STAGING}{name}", dir=parent))
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def publish(
    staging: Path,
    target: Path,
    *,
    private: bool = False,
    replace: bool = False,
    crash_before: str | None = None,
    crash_after: str | None = None,
) -> None:
    """Give the folder `staging` the name `target`.

    Args:
        private: only its owner may look into it; otherwise everybody may.
        replace: delete what has the name already.

    Raises:
        FileExistsError: a file, or a folder that is not empty, has the name already.
        OSError: the disk refuses.
    """
    staging.chmod(0o700 if private else 0o755)
    crash_point(crash_before)
    if replace:
        shutil.rmtree(target, ignore_errors=True)
    try:
        staging.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        raise
    crash_point(crash_after)


@contextmanager
def new_folder(
    target: Path,
    *,
    private: bool = False,
    replace: bool = False,
    crash_before: str | None = None,
    crash_after: str | None = None,
) -> Iterator[Path]:
    """Give an empty folder to write into; at the end of the block it gets the name `target`. See `publish`."""
    with staging_folder(target.parent, f"{target.name}-") as staging:
        yield staging
        publish(staging, target, private=private, replace=replace, crash_before=crash_before, crash_after=crash_after)


def remove_staging(parent: Path, name: str = "") -> None:
    """Delete what a kill left of `staging_folder(parent, name)`; only for whoever works there alone."""
    for left in parent.glob(f"{STAGING}{name}*"):
        shutil.rmtree(left, ignore_errors=True)


def flush(file: Path) -> None:
    """Bring the content of a file to the disk, before its folder is published."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """The checksum of one file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
