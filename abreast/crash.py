"""Named places where a process may be killed, so that recovery can be tried at each of them."""

import os
import signal


def point(name: str) -> None:
    """Die here, as by `kill -9`, when `$ABREAST_CRASH_AT` is `name`; else do nothing."""
    if os.environ.get("ABREAST_CRASH_AT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
