"""What the DVC stages share: how one starts, reports progress and fails.

A stage is a module with `main()`; DVC runs it as `python -m abreast.<part>.<stage>` in the root of a clone.
"""

import contextlib
import errno
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from abreast.core.errors import AbreastError, Unavailable
from abreast.core.files import write_text
from abreast.core.threads import bound_spinning

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h

bound_spinning()  # a stage imports this module before it loads torch


def run(main: Callable[[], None]) -> None:
    """Run a stage; a refusal becomes one line on stderr (and in the file `$ABREAST_FAILURE`).

    Exit code 2 is a refusal for good, `TRY_AGAIN` one for now, such as a full disk.
    """
    if owner := os.environ.get("ABREAST_OWNER"):
        threading.Thread(target=_die_with, args=(int(owner),), daemon=True).start()
    try:
        main()
    except AbreastError as error:
        _refuse(str(error), TRY_AGAIN if isinstance(error, Unavailable) else 2)
    except Exception as error:
        # Libraries in other languages tell a full disk only in words.
        if getattr(error, "errno", None) != errno.ENOSPC and "No space left on device" not in str(error):
            raise
        _refuse(f"{Path.cwd()}: the disk is full; make room and run it again, finished work is kept", TRY_AGAIN)


def _refuse(reason: str, code: int) -> NoReturn:
    print(f"error: {reason}", file=sys.stderr)
    if failure := os.environ.get("ABREAST_FAILURE"):
        Path(failure).write_text(reason)
    sys.exit(code)


def _die_with(owner: int) -> None:
    """End this process when the one that owns the run is gone, so that a resumed run never meets an orphan."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(owner).wait()
    os.kill(os.getpid(), signal.SIGKILL)


def progress(stage: str, done: float, total: float, note: str = "") -> None:
    """Tell whoever watches how far `stage` is: written whole to the file `$ABREAST_PROGRESS`, if that is set."""
    if target := os.environ.get("ABREAST_PROGRESS"):
        write_text(Path(target), json.dumps({"stage": stage, "done": done, "total": total, "note": note}))
