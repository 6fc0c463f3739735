"""A real PostgreSQL on loopback, where its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.ports import free_port

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str | None:
    """Where PostgreSQL's `initdb`, `postgres` or `pg_ctl` is; Debian keeps them off the PATH."""
    return next((str(folder / name) for folder in _DEBIAN if (folder / name).exists()), None) or shutil.which(name)


AVAILABLE = bool(program("initdb") and program("pg_ctl"))


def new_database(server: str) -> str:
    """Make an empty database on a server, and return its URL."""
    name = f"a{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
    return f"{server}/{name}"


@contextmanager
def running_postgres() -> Iterator[str]:
    """The address of a server, as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="abreast-pg-") as folder:
        port = free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, *_unprivileged())
        data = Path(folder) / "data"
        _as_user(program("initdb"), "-D", str(data), "-U", "abreast", "-A", "trust", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _as_user(program("pg_ctl"), "-D", str(data), "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://abreast@127.0.0.1:{port}"
        finally:
            _as_user(program("pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


def _unprivileged() -> tuple[str, int]:
    """PostgreSQL refuses to run as root."""
    user = pwd.getpwnam("nobody")
    return user.pw_name, user.pw_gid


def _as_user(*command: str) -> None:
    user, group = _unprivileged() if os.geteuid() == 0 else (None, None)
    subprocess.run(
        command,
        check=True,
        user=user,
        group=group,
        extra_groups=[] if user else None,
        cwd="/",
        stdout=subprocess.DEVNULL,
    )
