"""An installation with real servers whose state can be kept and put back, and whose flows run where they may die.

The flows run against a real Prefect server, without a worker: each is called in a child forked from this process, which
has imported everything, so that a run costs what it does and no imports.
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
# What is tried is the loop, not how well made-up words are learned.
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


class Site:
    """Made by `running_site`.

    Args:
        folder: of everything; `root` in it is the installation.
        database: MLflow's SQLite file.
    """

    def __init__(self, folder: Path, database: Path):
        self.folder, self.root, self.database = folder, folder / "root", database
        self.kept, self.log = folder / "kept", folder / "flows.log"
        self.root.mkdir()
        base = write_tiny_base(folder / "base")
        self.installation = Installation(self.root, KNOBS | {"model": {"base": str(base)}})

    @property
    def services(self) -> Services:
        """Opened anew each time: what is in the root may have been put back meanwhile."""
        return Services.open(self.root)

    def deliver(self, name: str, lines: Sequence[dict | str]) -> None:
        inbox = self.root / ".abreast/inbox"
        write(inbox / name, list(lines))
        (inbox / f"{name}.done").touch()

    def run(self, flow: str, crash_at: str | None = None) -> tuple[int, str]:
        """Run a flow in a process of its own; its exit code and how the flow ended."""
        return self.call(lambda: _flow(flow), crash_at)

    def call(self, work: Callable[[], str], crash_at: str | None = None) -> tuple[int, str]:
        """Call anything so; -9 is the exit code of one that was killed. With `crash_at` one process dies there."""
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
        """Where a process that dies at a crash point says so."""
        return self.folder / "crashed"

    def keep(self, name: str) -> None:
        """Keep files, ledger and MLflow's database as the state `name`."""
        self.kept.mkdir(exist_ok=True)
        shutil.rmtree(self.kept / name, ignore_errors=True)
        subprocess.run(["cp", "-a", str(self.root), str(self.kept / name)], check=True)
        _copy_database(self.database, self.kept / f"{name}.db")

    def put_back(self, name: str) -> None:
        """Have the state `name` again, and no run that Prefect knows of."""
        shutil.rmtree(self.root)
        subprocess.run(["cp", "-a", str(self.kept / name), str(self.root)], check=True)
        _copy_database(self.kept / f"{name}.db", self.database)
        self.mark.unlink(missing_ok=True)
        for run in self.runs():
            httpx.delete(f"{os.environ['PREFECT_API_URL']}/flow_runs/{run['id']}", timeout=60)

    def runs(self, **which: Any) -> list[dict]:
        """What Prefect knows of runs."""
        url = f"{os.environ['PREFECT_API_URL']}/flow_runs/filter"
        return httpx.post(url, json={"limit": 200, **which}, timeout=60).raise_for_status().json()

    def prepare(self) -> str:
        """Keep the states that the scenes begin with; the digest of the second version, made without any kill.

        `first`: the stages of a first update are done. `served`: v1 serves. `waiting`: a second drop waits, and what
        its stages give is in the run cache. `learned`: they are done. `two`: v2 serves.
        """
        self.deliver("01-first.jsonl", rows(FIRST, "2024-01-01"))
        self._expect("intake")
        self._expect("update", crash_at="register.trained")
        self.keep("first")
        self._expect("update")
        self.keep("served")
        self.deliver("02-second.jsonl", rows(SECOND, "2024-02-01"))
        self._expect("intake")
        self.keep("waiting")
        self.mark.unlink()
        self._expect("update", crash_at="register.trained")
        self.keep("learned")
        cache = self.kept / "waiting/.abreast/cache"
        shutil.rmtree(cache)
        subprocess.run(["cp", "-a", str(self.kept / "learned/.abreast/cache"), str(cache)], check=True)
        self._expect("update")
        self.keep("two")
        return self.services.ledger.versions.get("abreast", 2).digest

    def _expect(self, flow: str, crash_at: str | None = None) -> None:
        code, said = self.run(flow, crash_at)
        if code != (-signal.SIGKILL if crash_at else 0):
            raise RuntimeError(f"{flow} ended with {code}: {said}; see {self.log}\n{self.log.read_text()[-4000:]}")


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Servers and an installation as long as the block lasts; this process's environment is the installation's then."""
    (folder / "mlflow").mkdir(parents=True)
    with running_mlflow(folder / "mlflow") as mlflow_uri, _prefect(folder) as prefect_api:
        before = dict(os.environ)
        site = Site(folder, folder / "mlflow/mlflow.db")
        os.environ.update(MLFLOW_TRACKING_URI=mlflow_uri, PREFECT_API_URL=prefect_api, OMP_NUM_THREADS="1")
        os.environ.update(environment(site.services.project), PREFECT_HOME=str(folder / "prefect"))
        os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        os.environ["PYTHONPATH"] = str(site.root)
        _deploy(prefect_api)
        _preload()
        try:
            yield site
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def _prefect(folder: Path) -> Iterator[str]:
    """A Prefect server with a database of its own; gives its API's address."""
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
    """Deployments that nobody works off: they are there to be asked for."""
    for name in ("intake", "update", "promote", "rollback", "sweep"):
        flow = httpx.post(f"{api}/flows/", json={"name": name}, timeout=60).raise_for_status().json()
        body = {"name": name, "flow_id": flow["id"]}
        httpx.post(f"{api}/deployments/", json=body, timeout=60).raise_for_status()


def _preload() -> None:
    """Import what flows import late; with the environment as it is now, for Prefect reads it as it is imported."""
    import importlib

    import matplotlib

    matplotlib.use("Agg")
    for name in _PRELOADED:
        importlib.import_module(name)
    for name in ("intake", "update", "sweep"):
        importlib.import_module(f"flows.{name}")


def _flow(name: str) -> str:
    """Run a flow here; what its state says."""
    state = getattr(sys.modules[f"flows.{name}"], name)(return_state=True)
    return f"{state.name}: {state.message}"


def _copy_database(source: Path, target: Path) -> None:
    """All of one SQLite file into another, which may be in use, in one transaction."""
    with sqlite3.connect(source, timeout=60) as before, sqlite3.connect(target, timeout=60) as after:
        before.backup(after)
