"""What DVC holds under a content hash, put where it is wanted: in one process, at a cost that history does not change.

DVC's own `add` and `push` read every pointer of the repository each time; here only the stage at hand is loaded.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from abreast.core.disk_errors import DISK_FULL, storage_refusal
from abreast.core.errors import AbreastError, Unavailable, one_line
from abreast.core.files import write_text
from abreast.core.home import Home
from abreast.core.s3_errors import s3_refusals
from abreast.core.settings import Storage

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB

REMOTE = "store"
_LOGGERS = ("dvc_data.hashfile.transfer", "dvc_objects.fs.generic", "dvc.data_cloud", "dvc_data.hashfile.checkout")


class Pointer(BaseModel):
    """Content by its hash: `md5` ends with `.dir` for a folder, and then `nfiles` counts its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    md5: str
    size: int
    nfiles: int | None = None


def configure_clone(clone: Path, home: Home, storage: Storage, project_root: Path) -> None:
    """Let the DVC repository at `clone` share the home's cache and use the project's remote.

    Args:
        project_root: what a relative `storage.remote` is relative to; never the clone.
    """
    from dvc.config import Config

    with exclusive(clone), Config(str(clone / ".dvc"), validate=False).edit("local") as settings:
        settings.setdefault("core", {}).update(remote=REMOTE, analytics=False, check_update=False)
        settings["core"]["site_cache_dir"] = str(home.root / "dvc")
        settings.setdefault("cache", {}).update(dir=str(home.cache), type="reflink,hardlink,symlink,copy")
        settings.setdefault("remote", {})[REMOTE] = _remote(storage, project_root)


def _remote(storage: Storage, project_root: Path) -> dict[str, str | int]:
    if not storage.remote.startswith("s3://"):
        return {"url": str((project_root / Path(storage.remote).expanduser()).resolve())}
    settings: dict[str, str | int] = {"url": storage.remote, "connect_timeout": 5}
    if storage.endpoint:
        settings["endpointurl"] = storage.endpoint
    return settings


def place(clone: Path, rel_path: str, pointer: Pointer) -> Path:
    """Write `<rel_path>.dvc` into a DVC repository and check its content out; from the cache, or else the remote.

    What is there already under that path is replaced. Large files are linked, not copied: do not write into them.

    Returns:
        The path of the content.

    Raises:
        AbreastError: neither cache nor remote holds the content.
        Unavailable: the disk is full, or the remote does not answer.
    """
    target = clone / rel_path
    target.parent.mkdir(parents=True, exist_ok=True)
    write_pointer(target, pointer)
    with opened(clone) as repo:
        fetch(repo, pointer, rel_path)
        for out in repo.stage.load_one(str(pointer_file(target))).outs:
            out.checkout(force=True)
    return target


def push(repo: "Repo", pointer: Pointer, name: str) -> None:
    """Bring what `pointer` names from the cache into the remote; what is there already is not sent again."""
    remote = repo.cloud.get_remote_odb(REMOTE, "push")
    _transfer(repo.cache.local, remote, pointer, f"{name}: not pushed to the remote (`storage.remote`)")


def fetch(repo: "Repo", pointer: Pointer, name: str) -> None:
    """Bring what `pointer` names into the cache; the remote is asked only for what the cache lacks."""
    if is_whole(repo.cache.local, pointer):
        return
    remote = repo.cloud.get_remote_odb(REMOTE, "pull")
    if not remote.exists(pointer.md5):
        raise AbreastError(f"{name}: neither the DVC cache nor the remote holds {pointer.md5} (`storage.remote`)")
    _transfer(remote, repo.cache.local, pointer, f"{name}: not fetched from the remote (`storage.remote`)")


def is_whole(store: "HashFileDB", pointer: Pointer) -> bool:
    """Whether a cache holds all that `pointer` names: DVC puts a folder's list there even if a file failed."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    if not store.exists(pointer.md5):
        return False
    tree = Tree.load(store, HashInfo("md5", pointer.md5)) if pointer.md5.endswith(".dir") else ()
    return all(store.exists(info.value) for _, _, info in tree)


def _transfer(source: "HashFileDB", target: "HashFileDB", pointer: Pointer, failure: str) -> None:
    """Copy what the target lacks, a folder's list last. DVC's index of remotes is not used: a kill makes it lie."""
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.transfer import transfer

    missing: set = set()
    wanted = {HashInfo("md5", pointer.md5)}
    done = transfer(
        source,
        target,
        wanted,
        cache_odb=source,
        shallow=False,
        verify=True,
        validate_status=lambda status: missing.update(status.missing),
    )
    if missing:
        raise AbreastError(f"{failure}: {len(missing)} files are nowhere")
    if done.failed:
        raise Unavailable(f"{failure}: {len(done.failed)} files failed")


def pointer_file(target: Path) -> Path:
    """Where the pointer of a file or folder lies: beside it."""
    return target.with_name(target.name + ".dvc")


def write_pointer(target: Path, pointer: Pointer, crash_after: str | None = None) -> None:
    """Write the pointer file of `target`, all or nothing."""
    out = pointer.model_dump(exclude_none=True) | {"hash": "md5", "path": target.name}
    write_text(pointer_file(target), yaml.safe_dump({"outs": [out]}, sort_keys=False), crash_after=crash_after)


def read_pointer(target: Path) -> Pointer:
    """Read the pointer file of `target`; `AbreastError` if it is missing or damaged."""
    path = pointer_file(target)
    try:
        (out,) = yaml.safe_load(path.read_text())["outs"]
        return Pointer(md5=out["md5"], size=out["size"], nfiles=out.get("nfiles"))
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; it says where DVC holds {target.name}") from None
    except (yaml.YAMLError, ValidationError, LookupError, TypeError, ValueError):
        raise AbreastError(f"{path}: damaged; expected one entry under `outs` with md5 and size") from None


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Wait until nobody else, in this process or another, works in the DVC repository at `root`."""
    if not (root / ".dvc").is_dir():
        raise AbreastError(f"{root}: not a DVC repository; expected a folder `.dvc` in it")
    lock = root / ".dvc" / "tmp" / "abreast.lock"
    lock.parent.mkdir(exist_ok=True)
    with FileLock(lock):
        yield


@contextmanager
def opened(root: Path) -> Iterator["Repo"]:
    """The DVC repository at `root`, for one user at a time; what DVC raises becomes one line.

    The working directory is neither used nor changed, so threads may work in several repositories at once.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    remote: dict[str, str] = {}
    with exclusive(root), _swallowed_exceptions() as swallowed:
        try:
            with Repo(str(root)) as repo, repo.lock:
                remote.update(repo.config["remote"].get(REMOTE, {}))
                yield repo
        except Exception as error:
            causes = [cause for e in (error, *swallowed) for cause in _chain(e)]
            known = isinstance(error, (AbreastError, OSError, DvcException)) or _is_boto(causes)
            if not known:
                raise
            raise _dvc_refusal(root, error, causes, remote) from error


@contextmanager
def _swallowed_exceptions() -> Iterator[list[BaseException]]:
    """The exceptions that DVC logs and then swallows while it transfers files; they are not printed."""
    swallowed: list[BaseException] = []

    class Collector(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            if record.exc_info and record.exc_info[1]:
                swallowed.append(record.exc_info[1])
            return record.levelno < logging.ERROR

    collector = Collector()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(collector)
    try:
        yield swallowed
    finally:
        for logger in loggers:
            logger.removeFilter(collector)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what it came from, unless that was hidden on purpose."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _is_boto(causes: list[BaseException]) -> bool:
    return any(type(cause).__module__.startswith(("botocore", "aiobotocore")) for cause in causes)


def _dvc_refusal(root: Path, error: Exception, causes: list[BaseException], remote: dict[str, str]) -> AbreastError:
    """One line on what went wrong: a full disk and the S3 server's words come before DVC's own."""
    full = next((c for c in causes if isinstance(c, OSError) and c.errno in DISK_FULL), None)
    if full is not None:
        return storage_refusal(root, full)
    for cause in causes:
        if _is_boto([cause]):
            try:
                with s3_refusals(remote["url"], remote.get("endpointurl"), "storage.remote", "storage.endpoint"):
                    raise cause
            except AbreastError as refusal:
                return refusal
    if isinstance(error, AbreastError):
        return type(error)(": ".join(dict.fromkeys([str(error), *(one_line(c) for c in causes[1:2])])))
    os_error = next((c for c in causes if isinstance(c, OSError)), None)
    return storage_refusal(root, os_error) if os_error else AbreastError(f"{root}: DVC: {one_line(error)}")
