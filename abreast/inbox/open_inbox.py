"""How drops arrive: an inbox, which is a folder or an S3 prefix, and putting a drop into it safely."""

from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.core.settings import Intake
from abreast.inbox.delivery import Delivery, Inbox
from abreast.inbox.file_names import DATA_SUFFIXES, check_relative, is_data, is_ignored, payload_files
from abreast.inbox.folder_inbox import FolderInbox
from abreast.inbox.s3_inbox import S3Inbox, open_s3_inbox

__all__ = ["Delivery", "FolderInbox", "Inbox", "S3Inbox", "deliver", "open_inbox"]


def open_inbox(intake: Intake, project_root: Path) -> Inbox:
    """Open the inbox that `intake.inbox` names; a folder is made if it is not there.

    Raises:
        AbreastError: the knob names something that cannot be an inbox. A missing bucket, a wrong endpoint or missing
            credentials show at the first listing.
    """
    if intake.inbox.startswith("s3://"):
        return open_s3_inbox(intake.inbox, intake.endpoint)
    if "://" in intake.inbox:
        raise AbreastError(f"knob `intake.inbox` is {intake.inbox!r}: expected a folder, or s3://bucket/prefix")
    folder = project_root / Path(intake.inbox).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AbreastError(f"knob `intake.inbox`: {folder} cannot be a folder: {error.strerror}") from None
    return FolderInbox(folder)


def deliver(path: Path, inbox: Inbox, name: str | None = None) -> Delivery:
    """Put a local file, or a folder of files, into an inbox as one complete delivery.

    The name is the path's own unless one is given (for a file: with a data suffix). If other content has that name,
    `name-2` and so on is taken; if the same content has it, that delivery is returned. Half a delivery is never visible
    as a complete one.

    Raises:
        AbreastError: nothing is there to deliver, or the inbox cannot take it.
    """
    single = path.is_file()
    if not path.exists():
        raise AbreastError(f"{path}: no such file or folder; expected a drop to deliver")
    name = path.resolve().name if name is None else name
    if "/" in name or is_ignored(name):
        raise AbreastError(f"delivery name {name!r}: expected a plain name that is neither hidden nor .part nor .tmp")
    check_relative(name, "delivery")
    files = {name: path} if single else _files_in(path)
    if not files or not all(is_data(file) for file in files):
        odd = next((file for file in files if not is_data(file)), "no file")
        raise AbreastError(f"{path}: holds {odd}; expected data files ({', '.join(DATA_SUFFIXES)})")
    return inbox.receive(files, name, single)


def _files_in(folder: Path) -> dict[str, Path]:
    inside = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: inside[name] for name in payload_files(inside)}
