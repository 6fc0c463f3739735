"""Named places where a process may be killed, so that recovery can be tested at each of them."""

import os
import signal


def crash_point(name: str | None) -> None:
    """Die here, as by `kill -9`, when `$ABREAST_CRASH_AT` is `name`; else do nothing. None names no place.

    With `$ABREAST_CRASH_MARK`, a file, only the process that creates this file dies, so that a retry goes on.
    """
    if name and os.environ.get("ABREAST_CRASH_AT") == name and _is_first(os.environ.get("ABREAST_CRASH_MARK")):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_first(mark: str | None) -> bool:
    if mark is None:
        return True
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
