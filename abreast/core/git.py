"""Running git, under a name of its own, so that it works where nobody has configured one."""

import subprocess
from pathlib import Path

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, one_line

_IDENTITY = ("-c", "user.name=Abreast", "-c", "user.email=abreast@localhost")


def git(folder: Path, *arguments: str, crash_after: str | None = None) -> str:
    """What git prints when run in `folder`.

    Args:
        crash_after: the crash point behind a command that changes a repository.

    Raises:
        AbreastError: git is not installed, or refuses.
    """
    done = _run(folder, arguments)
    if done.returncode:
        raise AbreastError(f"git {arguments[0]} in {folder} failed: {one_line(done.stderr)}")
    crash_point(crash_after)
    return done.stdout.rstrip()


def git_or_none(folder: Path, *arguments: str) -> str | None:
    """What git prints when run in `folder`; None where it refuses, such as for a name that it does not have.

    Raises:
        AbreastError: git is not installed.
    """
    done = _run(folder, arguments)
    return None if done.returncode else done.stdout.rstrip()


def _run(folder: Path, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = ["git", *_IDENTITY, *arguments]
    try:
        return subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False)
    except FileNotFoundError:
        raise AbreastError("git: no such command; Abreast runs each update in a git clone, install git") from None
