"""Measures what idle services cost: processor time and memory of each process.

python -m benchmarks.idle --minutes 3
python -m benchmarks.idle --minutes 5 --project ../other --json idle.json

Run it inside a project whose services were started with `abreast up` a minute or more ago. Processor time is what the
kernel counted for each process, so other work on the machine does not change it much.
"""

import argparse
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from abreast.core.errors import AbreastError
from benchmarks.tables import markdown_table

MB = 1024 * 1024
SETTLED_SECONDS = 60
"""The services are busy with their own start for so long."""
CONFIGURED = ("prefect server", "prefect worker", "mlflow", "abreast watch", "supervisord")


@dataclass(frozen=True)
class ProcessCost:
    """One process: its processor time as a percentage of one core, its memory in MB with shared pages divided."""

    process: str
    pid: int
    cpu_percent: float
    memory_mb: float


def supervisor_of(home: Path) -> psutil.Process:
    """The supervisor whose state lies in `home`; raises AbreastError if none runs or it has just started."""
    pid_file = home / "supervisor.pid"
    try:
        process = psutil.Process(int(pid_file.read_text()))
        age = time.time() - process.create_time()
    except (OSError, ValueError, psutil.NoSuchProcess):
        raise AbreastError(f"{pid_file}: no supervisor runs; start the services with `abreast up`") from None
    if age < SETTLED_SECONDS:
        raise AbreastError(f"the services started {age:.0f} s ago; measure them after {SETTLED_SECONDS} s")
    return process


def label(command: Sequence[str]) -> str:
    """A process's name in the table, from its command line."""
    words = " ".join(Path(word).name if "/" in word else word for word in command)
    return next((name for name in CONFIGURED if name in words), words[:40])


def measure_processes(supervisor: psutil.Process, seconds: float) -> list[ProcessCost]:
    """The cost of the supervisor and of all processes below it; those that end meanwhile count up to the last look.

    A short-lived process, such as a flow run, is missed: the table is about idle services.
    """
    before = {process: _busy(process) for process in _family(supervisor)}
    begin = time.monotonic()
    time.sleep(seconds)
    spent = time.monotonic() - begin
    after = {process: _busy(process) for process in before if process.is_running()}
    return [_cost(process, 100 * (busy - before[process]) / spent) for process, busy in after.items()]


def _family(supervisor: psutil.Process) -> list[psutil.Process]:
    return [supervisor, *supervisor.children(recursive=True)]


def _busy(process: psutil.Process) -> float:
    """Processor seconds of a process and of the children that it waited for."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def _cost(process: psutil.Process, cpu_percent: float) -> ProcessCost:
    return ProcessCost(label(process.cmdline()), process.pid, cpu_percent, _memory_mb(process))


def _memory_mb(process: psutil.Process) -> float:
    """Proportional set size in MB where the system tells it (Linux), else resident memory."""
    memory = process.memory_full_info()
    return getattr(memory, "pss", memory.rss) / MB


def cost_table(costs: Iterable[ProcessCost]) -> str:
    """One row a process, and the total, as Markdown."""
    costs = list(costs)
    total = ProcessCost("**total**", 0, sum(c.cpu_percent for c in costs), sum(c.memory_mb for c in costs))
    rows = [(c.process, f"{c.cpu_percent:.2f}", f"{c.memory_mb:.0f}") for c in [*costs, total]]
    return markdown_table(("process", "CPU, % of a core", "memory MB"), rows)


def main() -> None:
    """Measure the services of a project and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0, help="how long to measure (default 3)")
    parser.add_argument("--project", type=Path, default=Path(), help="the project's folder (default: this one)")
    parser.add_argument("--json", type=Path, help="write the rows to this file too")
    given = parser.parse_args()
    home = Path(os.environ.get("ABREAST_HOME") or given.project / ".abreast").resolve()
    try:
        costs = measure_processes(supervisor_of(home), given.minutes * 60)
    except AbreastError as error:
        parser.exit(2, f"error: {error}\n")
    if given.json:
        given.json.write_text(json.dumps([asdict(cost) for cost in costs], indent=2) + "\n")
    print(cost_table(costs))


if __name__ == "__main__":
    main()
