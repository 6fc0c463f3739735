"""The servers of a test run: one of each kind for all workers of pytest-xdist, started when the first test asks.

A process of its own starts them. It ends them as soon as its standard input is closed: when the tests end, in whatever
manner they do.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing.connection import Client, Listener
from pathlib import Path

import pytest

from tests.installation import PREFORK, SOCKET, SOURCE
from tests.mlflow_server import running_mlflow
from tests.postgres_server import new_database, running_postgres
from tests.s3_server import S3Server, running_s3


@contextmanager
def running_prefork(folder: Path) -> Iterator[str]:
    """The address of a process that forks itself for the programs of installations."""
    command = [sys.executable, str(SOURCE / "tests/prefork/server.py"), str(folder / "socket")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "1", "GX_ANALYTICS_ENABLED": "false"}
    environment = os.environ | quiet | {"OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n"
        yield command[-1]
    finally:
        process.kill()
        process.wait()


SERVERS = {
    "mlflow": running_mlflow,
    "postgres": lambda _: running_postgres(),
    "prefork": running_prefork,
    "s3": running_s3,
}
"""By name: a context manager that takes an empty folder and gives the server's address."""


class Host:
    """The process that keeps the servers, started at the first need of its socket."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None
        self._folder = tempfile.TemporaryDirectory(prefix="abreast-servers-")

    @property
    def socket(self) -> str:
        """Where to ask for addresses."""
        if self._process is None:
            command = [sys.executable, "-m", "tests.shared_servers", self._folder.name]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, cwd=SOURCE, stdin=pipe, stdout=pipe, start_new_session=True)
            self._process.stdout.readline()
        return _socket(self._folder.name)

    def close(self) -> None:
        """End every server."""
        if self._process:
            self._process.stdin.close()
            self._process.wait()
        self._folder.cleanup()


def _socket(folder: str) -> str:
    return f"{folder}/socket"


def _answer_all(listener: Listener, start: Callable[[str], str]) -> None:
    addresses: dict[str, str] = {}
    while True:
        with listener.accept() as connection:
            name = connection.recv()
            try:
                if name not in addresses:
                    addresses[name] = start(name)
                connection.send(addresses[name])
            except Exception as error:
                connection.send(RuntimeError(f"{name}: {error}"))


def _start(stack: ExitStack, folder: Path, name: str) -> str:
    (folder / name).mkdir(exist_ok=True)
    return stack.enter_context(SERVERS[name](folder / name))


def main(folder: str) -> None:
    """Keep the servers until the standard input is closed."""
    with ExitStack() as stack, Listener(_socket(folder), "AF_UNIX", backlog=64) as listener:
        start = partial(_start, stack, Path(folder))
        threading.Thread(target=_answer_all, args=(listener, start), daemon=True).start()
        print("ready", flush=True)
        sys.stdin.read()


_HOST = pytest.StashKey[Host]()


def address_of(config: pytest.Config, name: str) -> str:
    """The address of this run's server of that name."""
    socket = config.workerinput["servers"] if hasattr(config, "workerinput") else config.stash[_HOST].socket
    with Client(socket, "AF_UNIX") as connection:
        connection.send(name)
        answer = connection.recv()
    if isinstance(answer, Exception):
        raise answer
    return answer


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_HOST] = Host()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    node.workerinput["servers"] = node.config.stash[_HOST].socket


def pytest_unconfigure(config: pytest.Config) -> None:
    if host := config.stash.get(_HOST, None):
        host.close()


@pytest.fixture(scope="session")
def mlflow_uri(pytestconfig: pytest.Config) -> str:
    """The address of a real MLflow server that all tests share: each uses names of its own."""
    return address_of(pytestconfig, "mlflow")


@pytest.fixture(scope="session")
def s3_server(pytestconfig: pytest.Config) -> S3Server:
    """A real S3 server that all tests share: each makes buckets of its own."""
    return S3Server(address_of(pytestconfig, "s3"))


@pytest.fixture(scope="session")
def new_postgres(pytestconfig: pytest.Config) -> Callable[[], str]:
    """A function that makes an empty database in a real PostgreSQL server and returns its URL."""
    return partial(new_database, address_of(pytestconfig, "postgres"))


@pytest.fixture(scope="session")
def prefork(pytestconfig: pytest.Config) -> Iterator[None]:
    """The programs of installations are forked from a process that has loaded what they load."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SOCKET, address_of(pytestconfig, "prefork"))
        yield


@pytest.fixture
def preforked_stages(prefork: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stages that a test starts outside an installation are forked so too."""
    monkeypatch.setenv("PYTHONPATH", PREFORK)


if __name__ == "__main__":
    main(sys.argv[1])
