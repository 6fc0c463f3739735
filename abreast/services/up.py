"""Starting the local services and waiting until each answers."""

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from abreast.core.environment import environment
from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.core.waiting import wait_until
from abreast.services.prefect_api import PrefectApi
from abreast.services.supervisor import POOL, Supervisor

# A service that ends is noticed at once; this only bounds the wait for one that is slow, on a loaded machine.
START_SECONDS = 300
DEPLOY_ATTEMPTS, DEPLOY_PAUSE_SECONDS = 3, 2

OnWait = Callable[[str], None]
"""Called with the name of what is waited for."""


def start_services(project: Project, on_wait: OnWait) -> None:
    """Start Prefect, MLflow, worker and watcher, register the deployments, and return when each answers.

    Services that already run are left alone. On failure everything that was started is stopped again.

    Raises:
        AbreastError: a port is taken, or a service does not answer; the message names the knob or the log.
    """
    supervisor = Supervisor(project)
    if not supervisor.states():
        _check_ports(project)
        supervisor.launch()
    try:
        _start_all(project, supervisor, on_wait)
    except BaseException:
        supervisor.stop()
        raise


def _start_all(project: Project, supervisor: Supervisor, on_wait: OnWait) -> None:
    for program in ("prefect", "mlflow"):
        supervisor.start(program)
    on_wait("Prefect server")
    _wait(supervisor, "prefect", f"{project.prefect_api}/health")
    supervisor.start("worker")
    on_wait("MLflow server")
    _wait(supervisor, "mlflow", f"{project.mlflow_uri}/health")
    on_wait("deployments")
    _wait_for_pool(supervisor)
    _prefect(project, "--no-prompt", "deploy", "--all", "--prefect-file", "prefect.yaml")
    supervisor.start("watcher")
    on_wait("worker and watcher")
    _wait_running(supervisor, ("worker", "watcher"))
    # Resume at once what was running when the services stopped.
    PrefectApi(project.prefect_api).start("sweep/sweep")


def _check_ports(project: Project) -> None:
    services = project.params.services
    for knob in ("prefect_port", "mlflow_port"):
        port = getattr(services, knob)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((services.host, port))
            except OSError as error:
                raise AbreastError(
                    f"port {port} on {services.host} is taken ({error.strerror}): stop what listens there, "
                    f"or set `services.{knob}` in params.yaml to a free port"
                ) from None


def _wait(supervisor: Supervisor, program: str, health: str) -> None:
    def ended() -> bool:
        return supervisor.states().get(program) in ("FATAL", "EXITED", None)

    wait_until(lambda: _answers(health) or ended(), START_SECONDS)
    if not _answers(health):
        raise AbreastError(f"{program} does not answer at {health}; {supervisor.log_hint(program)}")


def _answers(health: str) -> bool:
    try:
        return httpx.get(health, timeout=5).is_success
    except httpx.HTTPError:
        return False


def _wait_running(supervisor: Supervisor, names: tuple[str, ...]) -> None:
    def running() -> bool:
        states = supervisor.states()
        if failed := [name for name in names if states.get(name) == "FATAL"]:
            raise AbreastError(f"{failed[0]} does not stay up; {supervisor.log_hint(failed[0])}")
        return all(states.get(name) == "RUNNING" for name in names)

    if not wait_until(running, START_SECONDS):
        raise AbreastError(f"{' and '.join(names)} did not come up; see {supervisor.project.home.logs}")


def _wait_for_pool(supervisor: Supervisor) -> None:
    """Wait until the worker has made the pool that deployments are registered in."""
    api = PrefectApi(supervisor.project.prefect_api)

    def failed() -> bool:
        return supervisor.states().get("worker") == "FATAL"

    wait_until(lambda: api.has_pool(POOL) or failed(), START_SECONDS)
    if not api.has_pool(POOL):
        raise AbreastError(f"the worker does not make the work pool {POOL!r}; {supervisor.log_hint('worker')}")


@retry(
    # A server that has only just started may be too busy to answer; registering again changes nothing.
    retry=retry_if_exception_type(AbreastError),
    stop=stop_after_attempt(DEPLOY_ATTEMPTS),
    wait=wait_fixed(DEPLOY_PAUSE_SECONDS),
    reraise=True,
)
def _prefect(project: Project, *arguments: str) -> None:
    command = [str(Path(sys.executable).parent / "prefect"), *arguments]
    shown = f"`prefect {' '.join(arguments)}`"
    try:
        done = subprocess.run(
            command,
            cwd=project.root,
            env=environment(project),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise AbreastError(f"{shown} did not end within {START_SECONDS} s") from None
    if done.returncode:
        raise AbreastError(f"{shown} failed: {' '.join((done.stderr or done.stdout).split())[-400:]}")
