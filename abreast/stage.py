"""What the DVC stages share: how one starts, reports progress and fails.

A stage is a module with `main()`; DVC runs it as `python -m abreast.<part>.<stage>` in the root of a clone.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from abreast.errors import AbreastError


def run(main: Callable[[], None]) -> None:
    """Run a stage; a refusal becomes one line on stderr (and in the file `$ABREAST_FAILURE`) and exit code 2."""
    if owner := os.environ.get("ABREAST_OWNER"):
        threading.Thread(target=_die_with, args=(int(owner),), daemon=True).start()
    try:
        main()
    except AbreastError as error:
        if failure := os.environ.get("ABREAST_FAILURE"):
            Path(failure).write_text(str(error))
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _die_with(owner: int) -> None:
    """End this process when the one that owns the run is gone, so that a resumed run never meets an orphan."""
    import psutil

    try:
        psutil.Process(owner).wait()
    except psutil.NoSuchProcess:
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def progress(stage: str, done: float, total: float, note: str = "") -> None:
    """Tell whoever watches how far `stage` is: written whole to the file `$ABREAST_PROGRESS`, if that is set."""
    if target := os.environ.get("ABREAST_PROGRESS"):
        partial = Path(f"{target}.{os.getpid()}")
        partial.write_text(json.dumps({"stage": stage, "done": done, "total": total, "note": note}))
        partial.replace(target)
