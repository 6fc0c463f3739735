"""A real PostgreSQL on loopback, where its programs are installed."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.ports import free_port

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def program(name: str) -> str | None:
    """Where PostgreSQL's `initdb`, `postgres` or `pg_ctl` is; Debian keeps them off the PATH."""
    return next((str(folder / name) for folder in _DEBIAN if (folder / name).exists()), None) or shutil.which(name)


AVAILABLE = bool(program("initdb") and program("pg_ctl"))


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[Callable[[], str]]:
    """A function that makes an empty database and returns its URL."""
    with running_postgres() as make:
        yield make


@contextmanager
def running_postgres() -> Iterator[Callable[[], str]]:
    """A server as long as the block lasts; gives a function that makes an empty database and returns its URL."""
    with tempfile.TemporaryDirectory(prefix="abreast-pg-") as folder:
        port = free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, *_unprivileged())
        data = Path(folder) / "data"
        _as_user(program("initdb"), "-D", str(data), "-U", "abreast", "-A", "trust", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        _as_user(program("pg_ctl"), "-D", str(data), "-w", "-l", f"{folder}/log", "-o", options, "start")
        server = f"postgresql://abreast@127.0.0.1:{port}"

        def make() -> str:
            name = f"a{uuid.uuid4().hex}"
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return f"{server}/{name}"

        try:
            yield make
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
