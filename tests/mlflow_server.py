"""A real MLflow server on loopback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.ports import free_port

START_SECONDS = 120


@contextmanager
def running_mlflow(folder: Path, store: str | None = None) -> Iterator[str]:
    """The address of a server that keeps its artifacts, and without `store` its SQLite file, in `folder`.

    Args:
        store: the URL of another database, such as `postgresql+psycopg://user@host/name`.
    """
    port = free_port()
    command = _command(folder, port, store or f"sqlite:///{folder}/mlflow.db")
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            command, env=_environment(), stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    uri = f"http://127.0.0.1:{port}"
    try:
        _wait(server, uri, folder / "server.log")
        yield uri
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # its data are temporary, and a graceful end takes 20 s
        server.wait()


def _command(folder: Path, port: int, store: str) -> list[str]:
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": store,
        "--artifacts-destination": str(folder / "artifacts"),
    }
    return [sys.executable, "-m", "mlflow", "server", "--serve-artifacts", *(w for o in options.items() for w in o)]


def _environment() -> dict[str, str]:
    return os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def _wait(server: subprocess.Popen, uri: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{uri}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise RuntimeError(f"the MLflow server did not start:\n{log.read_text()[-2000:]}")
