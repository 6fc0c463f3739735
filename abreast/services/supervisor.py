"""The local servers under one supervisor (supervisord): what runs, where its log is, how it starts and stops."""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xmlrpc.client import Fault, ServerProxy

import psutil

from abreast.core.environment import environment
from abreast.core.errors import AbreastError
from abreast.core.project import Project

STOP_SECONDS = 120  # programs are stopped one after the other, each within `stopwaitsecs`
CONFIG = """\
[unix_http_server]
file = {socket}
chmod = 0700

[supervisord]
logfile = {logs}/supervisor.log
pidfile = {home}/supervisor.pid
childlogdir = {logs}
directory = {root}

[supervisorctl]
serverurl = unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAM = """
[program:{name}]
command = {command}
autostart = false
autorestart = true
startsecs = 2
startretries = 5
stopasgroup = true
killasgroup = true
stopwaitsecs = 15
redirect_stderr = true
stdout_logfile = {logs}/{name}.log
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 2
"""

POOL = "abreast"
"""The work pool that prefect.yaml names."""


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: str


def programs(project: Project) -> list[Program]:
    """What `abreast up` runs, in the order of starting."""
    services, home, here = project.params.services, project.home.root, Path(sys.executable).parent
    prefect = f"server start --host {services.host} --port {services.prefect_port}"
    mlflow = f"-m abreast.services.mlflow_server --host {services.host} --port {services.mlflow_port} --workers 1"
    mlflow_store = f"--backend-store-uri sqlite:///{home}/mlflow.db --artifacts-destination {home}/mlflow-artifacts"
    # The servers are nice: pages and polls give way to a training on the same cores.
    return [
        Program("prefect", f"nice -n 10 {here}/prefect {prefect}"),
        Program("mlflow", f"nice -n 10 {sys.executable} {mlflow} {mlflow_store}"),
        Program("worker", f"{here}/prefect worker start --pool {POOL} --type process --name local --limit 3"),
        Program("watcher", f"{here}/abreast watch"),
    ]


class Supervisor:
    """supervisord for one project's home."""

    def __init__(self, project: Project):
        self.project = project
        self.config = project.home.root / "supervisor.conf"
        # A unix socket's path holds at most 107 characters, so it cannot lie in a deep home.
        mark = hashlib.sha256(str(project.home.root).encode()).hexdigest()[:16]
        self.socket = Path(tempfile.gettempdir()) / f"abreast-{mark}.sock"

    @property
    def _rpc(self):
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.socket}")
        return ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def states(self) -> dict[str, str]:
        """Each program's state, such as `RUNNING` or `FATAL`; empty when no supervisor runs."""
        try:
            return {info["name"]: info["statename"] for info in self._rpc.getAllProcessInfo()}
        except (OSError, Fault):
            return {}

    def launch(self) -> None:
        """Write the configuration and start supervisord, without any program yet."""
        home = self.project.home
        home.logs.mkdir(parents=True, exist_ok=True)
        frame = CONFIG.format(socket=self.socket, logs=home.logs, home=home.root, root=self.project.root)
        blocks = [PROGRAM.format(logs=home.logs, **vars(program)) for program in programs(self.project)]
        self.config.write_text(frame + "".join(blocks))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config)]
        done = subprocess.run(command, env=environment(self.project), capture_output=True, text=True, check=False)
        if done.returncode:
            raise AbreastError(f"the supervisor did not start: {' '.join((done.stderr or done.stdout).split())}")

    def start(self, program: str) -> None:
        """Start one program and return at once."""
        try:
            self._rpc.startProcess(program, False)
        except Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise AbreastError(f"{program} did not start: {fault.faultString}; {self.log_hint(program)}") from None

    def stop(self) -> None:
        """Stop all programs and the supervisor itself; returns when it is gone."""
        process = psutil.Process(self._rpc.getPID())
        self._rpc.shutdown()
        try:
            process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            raise AbreastError(
                f"the supervisor did not stop within {STOP_SECONDS} s; see {self.project.home.logs}"
            ) from None

    def log_hint(self, program: str) -> str:
        """The last line of a program's log, and the path of the log."""
        log = self.project.home.logs / f"{program}.log"
        lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
        return f"last words: {lines[-1].strip()[:200]!r} in {log}" if lines else f"its log is {log}"
