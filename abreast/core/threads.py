"""How many threads torch gets: as many as there are cores free for this process at this moment.

Threads that share a core wait for each other at every small product: one too many costs more than one too few. The
number is chosen once, when a process starts its work. Another number of threads adds up in another order and gives
other last bits, so a training keeps its number, and reports/train.json records it for `abreast reproduce`.
"""

import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

SET_BY_USER = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
SAMPLE_SECONDS = 0.2
SPINS = "5000"
"""Some ten microseconds. A thread that spins for long holds the core that another needs; one that sleeps at once makes
small products five times slower on an idle machine."""
CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")
_chosen: list[int] = []
"""What this process chose before, which is not a setting of the user."""


@dataclass(frozen=True)
class Machine:
    """Cores that this process may use, cores that others keep busy, the CPU quota in cores, the load average."""

    cores: int
    busy: float
    quota: float
    load: float

    def free_cores(self) -> int:
        """At least 1. Work of others counts on all cores that we may use, a quota only for ourselves."""
        return max(1, math.floor(min(self.cores - self.busy, self.quota) + 0.5))

    def __str__(self) -> str:
        quota = f", quota {self.quota:.1f}" if math.isfinite(self.quota) else ""
        return f"{self.busy:.1f} busy, load {self.load:.1f}{quota}"


def bound_spinning() -> None:
    """Bound how long a waiting thread spins, unless the user chose; works only before torch is loaded."""
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def use_free_cores() -> str:
    """Give torch the cores that are free now; a setting of the user wins. Returns a line for the log."""
    if by_user := set_by_user():
        return f"threads: {by_user}"
    machine = look()
    _set(machine.free_cores())
    return f"threads: {machine.free_cores()} of {machine.cores} cores ({machine})"


def go_on_with(threads: int | None) -> None:
    """Use the number of threads that an interrupted training began with, if any; a setting of the user wins."""
    if threads and not set_by_user():
        _set(threads)


def set_by_user() -> str | None:
    """The number of threads that the user set and where, such as `4, as OMP_NUM_THREADS says`; None if none is set."""
    for name in SET_BY_USER:
        if (value := os.environ.get(name)) and value not in map(str, _chosen):
            return f"{value}, as {name} says"
    torch = sys.modules.get("torch")
    if torch and (threads := torch.get_num_threads()) not in {*_defaults(), *_chosen}:
        return f"{threads}, as torch was set before"
    return None


def _set(threads: int) -> None:
    """For torch if it is loaded, else for when it will be."""
    _chosen.append(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)
    else:
        os.environ["OMP_NUM_THREADS"] = str(threads)


def look() -> Machine:
    """What the machine gives now; takes `SAMPLE_SECONDS`.

    The load average is only shown: it lags by a minute and counts the work of this process and its parents.
    """
    usable = _usable_cores()
    cores = min(len(usable), psutil.cpu_count(logical=False) or len(usable))
    busy = busy_cores(usable, SAMPLE_SECONDS)
    return Machine(cores, busy * cores / len(usable), cgroup_quota(), psutil.getloadavg()[0])


def busy_cores(usable: set[int], seconds: float) -> float:
    """How many of the cores in `usable` worked on average while this process slept for `seconds`."""
    before = psutil.cpu_times(percpu=True)
    time.sleep(seconds)
    after = psutil.cpu_times(percpu=True)
    return sum(_busy_share(*pair) for core, pair in enumerate(zip(before, after, strict=True)) if core in usable)


def _busy_share(before: Any, after: Any) -> float:
    """The share of time between two counts of one core that it would not give us; 0 where no time went by.

    What others do at a low priority (`nice`) gives way: so run Abreast's own servers, and its flows that do not train.
    """
    spent = {name: end - begin for name, begin, end in zip(before._fields, before, after, strict=True)}
    total = sum(spent.values()) - spent.get("guest", 0.0) - spent.get("guest_nice", 0.0)
    waited = spent["idle"] + spent.get("iowait", 0.0) + spent.get("nice", 0.0)
    return min(1.0, max(0.0, 1.0 - waited / total)) if total > 0 else 0.0


def cgroup_quota(root: Path = CGROUPS, membership: Path = MEMBERSHIP) -> float:
    """The CPU quota of this process in cores, by cgroup v2 or v1, the smallest on the path; infinite without one."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return math.inf
    quotas = [quota for line in lines for quota in _quotas(root, *line.split(":", 2)[1:])]
    return min(quotas, default=math.inf)


def _quotas(root: Path, controllers: str, group: str) -> list[float]:
    """The quotas from a group up to the root of its hierarchy. In a container the path may not exist: its root does."""
    if controllers and "cpu" not in controllers.split(","):
        return []
    tops = [root / controllers, root / "cpu"] if controllers else [root, root / "unified"]
    read = _quota_v1 if controllers else _quota_v2
    inner = Path(group.lstrip("/"))
    return [quota for top in tops for part in (inner, *inner.parents) if (quota := read(top / part)) is not None]


def _quota_v2(folder: Path) -> float | None:
    words = _words(folder / "cpu.max")
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0] != "max" else None


def _quota_v1(folder: Path) -> float | None:
    quota, period = (_words(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return int(quota[0]) / int(period[0]) if quota and period and int(quota[0]) > 0 else None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _usable_cores() -> set[int]:
    """The numbers of the cores that this process may run on; of all where the system has no affinity (macOS)."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def _defaults() -> set[int | None]:
    """The numbers of threads that torch may have taken by itself."""
    return {os.cpu_count(), psutil.cpu_count(logical=False), len(_usable_cores())}
