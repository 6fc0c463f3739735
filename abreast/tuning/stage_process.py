"""A stage in its own process, outside DVC, that ends at the latest with the process that started it."""

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
def stage_process(
    project: Project, command: str, folder: Path, log: Path, home: Path | None = None
) -> Iterator[subprocess.Popen]:
    """Run the command of a stage in `folder` inside the block; its output goes to `log`; the end of the block kills it.

    Args:
        home: where its checkpoints lie, by default the project's home.

    Raises:
        Unavailable: it ended by itself and may succeed later, as after a full disk.
        AbreastError: it failed by itself; with the reason that it wrote, or the last line of its log.
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
        raise (Unavailable if ended == TRY_AGAIN else AbreastError)(_failure_reason(failure, log, ended))


def _failure_reason(failure: Path, log: Path, code: int) -> str:
    if failure.exists():
        reason = failure.read_text()
        failure.unlink()
        return reason
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return "its process was killed, perhaps because memory ran out"
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"ended with exit code {code} and an empty log"
