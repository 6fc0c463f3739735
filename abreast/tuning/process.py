"""A stage in a process of its own, outside DVC: it ends with whoever started it, or sooner."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from abreast.core.environment import environment
from abreast.core.errors import AbreastError, Unavailable
from abreast.core.project import Project
from abreast.core.stage import TRY_AGAIN


@contextlib.contextmanager
def running(
    project: Project, command: str, folder: Path, log: Path, home: Path | None = None
) -> Iterator[subprocess.Popen]:
    """Run the command of a stage in `folder` while the block lasts; what it prints goes to `log`.

    Args:
        home: where it keeps its checkpoints, if not in the project's home.

    Raises:
        Unavailable: it ended by itself, and may succeed later, such as on a full disk.
        AbreastError: it ended by itself and not well; with the reason that it gave, or its last line.
    """
    failure = log.with_suffix(".failure")
    failure.unlink(missing_ok=True)
    env = environment(project) | {"ABREAST_OWNER": str(os.getpid()), "ABREAST_FAILURE": str(failure)}
    env |= {"ABREAST_HOME": str(home)} if home else {}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, shell=True, cwd=folder, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        if (ended := process.poll()) is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if ended:
        raise (Unavailable if ended == TRY_AGAIN else AbreastError)(_reason(failure, log, ended))


def _reason(failure: Path, log: Path, code: int) -> str:
    if failure.exists():
        reason = failure.read_text()
        failure.unlink()
        return reason
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return "its process was killed, perhaps for want of memory"
    said = log.read_text(errors="replace").strip().splitlines()
    return said[-1] if said else f"ended with exit code {code} and said nothing"
