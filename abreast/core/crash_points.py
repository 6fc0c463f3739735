"""Named places where a process may be killed, so that recovery can be tried at each of them."""

import os
import signal


def crash_point(name: str) -> None:
    """Die here, as by `kill -9`, when `$ABREAST_CRASH_AT` is `name`; else do nothing.

    With `$ABREAST_CRASH_MARK`, a file, only whoever makes that file dies: so what is tried again at once goes on.
    """
    if os.environ.get("ABREAST_CRASH_AT") == name and _first(os.environ.get("ABREAST_CRASH_MARK")):
        os.kill(os.getpid(), signal.SIGKILL)


def _first(mark: str | None) -> bool:
    if mark is None:
        return True
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True
