"""A failure of the disk, or of a mounted network folder, in one line that says what to do."""

import errno
from pathlib import Path

from abreast.core.errors import Unavailable, one_line

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def storage_refusal(root: Path, error: OSError) -> Unavailable:
    """What a failure of disk or network means to the user who worked in `root`."""
    named = error.filename2 or error.filename
    where = Path(named).parent if named else root
    if error.errno in DISK_FULL:
        return Unavailable(f"{where}: the disk is full; make room and try again, nothing half done is taken")
    return Unavailable(
        f"{named or root}: {error.strerror or one_line(error)}; see the knobs `storage.remote` and `storage.endpoint`"
    )
