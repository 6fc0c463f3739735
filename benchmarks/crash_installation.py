"""An installation with real servers: its state can be saved and restored, its flows run in processes that may die.

The flows run against a real Prefect server, without a worker: each runs in a child forked from this process, which has
imported everything, so that a run costs no imports.
"""

import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from abreast.core.environment import environment
from abreast.core.waiting import wait_until
from abreast.services.services import Services
from tests.flows.drops import rows, write
from tests.installation import BIN, Installation
from tests.learning.tiny import write_tiny_base
from tests.mlflow_server import running_mlflow
from tests.ports import free_port

FIRST = {"Arvia": "Tolm", "Bersk": "Quent", "Corlan": "Vash"}
SECOND = {"Delmor": "Pirn", "Arvia": "Jorv"}
# The loop is under test, not how well made-up words are learned.
KNOBS = {
    "split": {"current_questions": 10, "retained_questions": 10},
    "train": {
        "learning_rate": 0.01,
        "epochs": 2,
        "max_tokens": 2000,
        "top_layers": 2,
        "peft": {"method": "lora", "rank": 4, "alpha": 8},
        "regularizers": [],
        "checkpoint_seconds": 0.0,
    },
    "evaluate": {"max_new_tokens": 4},
    "gates": [{"name": "current_exact_match", "measure": "accuracy", "scope": "current", "at_least": 0.0}],
}
_START_SECONDS = 240
_RUN_SECONDS = 400
_PRELOADED = ("dvc.repo", "dvc.api", "mlflow", "matplotlib.pyplot", "great_expectations", "pandas", "networkx")


class CrashInstallation:
    """Made by `running_installation`.

    Args:
        folder: of everything; `root` in it is the installation.
        database: MLflow's SQLite file.
    """

    def __init__(self, folder: Path, database: Path):
        self.folder, self.root, self.database = folder, folder / "root", database
        self.saved, self.log = folder / "saved", folder / "flows.log"
        self.root.mkdir()
        base = write_tiny_base(folder / "base")
        self.installation = Installation(self.root, KNOBS | {"model": {"base": str(base)}})

    @property
    def services(self) -> Services:
        """Opened anew each time, because the files in the root may have been restored meanwhile."""
        return Services.open(self.root)

    def deliver(self, name: str, lines: Sequence[dict | str]) -> None:
        inbox = self.root / ".abreast/inbox"
        write(inbox / name, list(lines))
        (inbox / f"{name}.done").touch()

    def run(self, flow: str, crash_at: str | None = None) -> tuple[int, str]:
        """Run a flow in its own process; return the exit code and how the flow ended."""
        return self.call(lambda: _flow(flow), crash_at)

    def call(self, work: Callable[[], str], crash_at: str | None = None) -> tuple[int, str]:
        """Call a function in its own process; exit code -9 means killed. With `crash_at` one process dies there."""
        answer = self.folder / "answer.json"
        answer.unlink(missing_ok=True)
        process = multiprocessing.get_context("fork").Process(target=self._child, args=(work, answer, crash_at))
        process.start()
        process.join(_RUN_SECONDS)
        if process.exitcode is None:
            process.kill()
            process.join()
            return 1, f"did not end within {_RUN_SECONDS} s"
        return process.exitcode, json.loads(answer.read_text()) if answer.exists() else ""

    def _child(self, work: Callable[[], str], answer: Path, crash_at: str | None) -> None:
        descriptor = os.open(self.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.chdir(self.root)
        if crash_at:
            os.environ |= {"ABREAST_CRASH_AT": crash_at, "ABREAST_CRASH_MARK": str(self.mark)}
        answer.write_text(json.dumps(work()))

    @property
    def mark(self) -> Path:
        """The file that a process writes when it dies at a crash point."""
        return self.folder / "crashed"

    def save(self, name: str) -> None:
        """Save files, ledger and MLflow's database as the state `name`."""
        self.saved.mkdir(exist_ok=True)
        shutil.rmtree(self.saved / name, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self.root), str(self.saved / name)], check=True)
        _copy_database(self.database, self.saved / f"{name}.db")

    def restore(self, name: str) -> None:
        """Restore the state `name`, and delete all runs in Prefect."""
        shutil.rmtree(self.root)
        subprocess.run(["cp", "-a", str(self.saved / name), str(self.root)], check=True)
        _copy_database(self.saved / f"{name}.db", self.database)
        self.mark.unlink(missing_ok=True)
        for run in self.runs():
            httpx.delete(f"{os.environ['PREFECT_API_URL']}/flow_runs/{run['id']}", timeout=60)

    def runs(self, **which: Any) -> list[dict]:
        """The runs in Prefect."""
        url = f"{os.environ['PREFECT_API_URL']}/flow_runs/filter"
        return httpx.post(url, json={"limit": 200, **which}, timeout=60).raise_for_status().json()

    def prepare(self) -> str:
        """Save the states that the cases begin with; return the digest of the second version, made without any kill.

        `first`: the stages of a first update are done. `served`: v1 serves. `waiting`: a second drop waits, and the
        outputs of its stages are in the run cache. `learned`: they are done. `two`: v2 serves.
        """
        self.deliver("01-first.jsonl", rows(FIRST, "2024-01-01"))
        self._expect("intake")
        self._expect("update", crash_at="register.trained")
        self.save("first")
        self._expect("update")
        self.save("served")
        self.deliver("02-second.jsonl", rows(SECOND, "2024-02-01"))
        self._expect("intake")
        self.save("waiting")
        self.mark.unlink()
        self._expect("update", crash_at="register.trained")
        self.save("learned")
        cache = self.saved / "waiting/.abreast/cache"
        shutil.rmtree(cache)
        subprocess.run(["cp", "-a", str(self.saved / "learned/.abreast/cache"), str(cache)], check=True)
        self._expect("update")
        self.save("two")
        return self.services.ledger.versions.get("abreast", 2).digest

    def _expect(self, flow: str, crash_at: str | None = None) -> None:
        code, message = self.run(flow, crash_at)
        if code != (-signal.SIGKILL if crash_at else 0):
            raise RuntimeError(f"{flow} ended with {code}: {message}; see {self.log}\n{self.log.read_text()[-4000:]}")


@contextmanager
def running_installation(folder: Path) -> Iterator[CrashInstallation]:
    """Servers and an installation inside the block, where this process has the installation's environment."""
    (folder / "mlflow").mkdir(parents=True)
    with running_mlflow(folder / "mlflow") as mlflow_uri, _prefect(folder) as prefect_api:
        before = dict(os.environ)
        installation = CrashInstallation(folder, folder / "mlflow/mlflow.db")
        os.environ.update(MLFLOW_TRACKING_URI=mlflow_uri, PREFECT_API_URL=prefect_api, OMP_NUM_THREADS="1")
        os.environ.update(environment(installation.services.project), PREFECT_HOME=str(folder / "prefect"))
        os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        os.environ["PYTHONPATH"] = str(installation.root)
        _deploy(prefect_api)
        _preload()
        try:
            yield installation
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def _prefect(folder: Path) -> Iterator[str]:
    """A Prefect server with its own database; yields the address of its API."""
    port = free_port()
    env = os.environ | {"PREFECT_HOME": str(folder / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    env |= {"DO_NOT_TRACK": "1"}
    command = [str(BIN / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "prefect.log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder, start_new_session=True)
    url = f"http://127.0.0.1:{port}/api"
    try:
        wait_until(lambda: _answers(f"{url}/health") or server.poll() is not None, _START_SECONDS)
        if not _answers(f"{url}/health"):
            raise RuntimeError(f"Prefect did not start:\n{(folder / 'prefect.log').read_text()[-2000:]}")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def _deploy(api: str) -> None:
    """Register deployments, so that runs can be requested; no worker runs them."""
    for name in ("intake", "update", "promote", "rollback", "sweep"):
        flow = httpx.post(f"{api}/flows/", json={"name": name}, timeout=60).raise_for_status().json()
        body = {"name": name, "flow_id": flow["id"]}
        httpx.post(f"{api}/deployments/", json=body, timeout=60).raise_for_status()


def _preload() -> None:
    """Import what flows import late, in the present environment, which Prefect reads on import."""
    import importlib

    import matplotlib

    matplotlib.use("Agg")
    for name in _PRELOADED:
        importlib.import_module(name)
    for name in ("intake", "update", "sweep"):
        importlib.import_module(f"flows.{name}")


def _flow(name: str) -> str:
    """Run a flow here; return its state's name and message."""
    state = getattr(sys.modules[f"flows.{name}"], name)(return_state=True)
    return f"{state.name}: {state.message}"


def _copy_database(source: Path, target: Path) -> None:
    """Copy a SQLite file into another, which may be in use, in one transaction."""
    with sqlite3.connect(source, timeout=60) as before, sqlite3.connect(target, timeout=60) as after:
        before.backup(after)
