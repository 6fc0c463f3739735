"""Who holds an update or a lease, and whether that process still lives."""

import os
import socket
import time

import psutil
from pydantic import BaseModel, ConfigDict

_CLOCK_TOLERANCE = 2.0  # seconds; a start time is computed from the boot time, which the clock's corrections move


class ProcessId(BaseModel):
    """A process: host name, process id, and its start time (seconds since the epoch), since ids are used again."""

    model_config = ConfigDict(frozen=True)

    host: str
    pid: int
    started: float

    @classmethod
    def current(cls) -> "ProcessId":
        return cls(host=socket.gethostname(), pid=os.getpid(), started=psutil.Process().create_time())

    def gone(self) -> bool:
        """True when it is certain that the process has ended; of another host's processes nothing is certain."""
        if self.host != socket.gethostname():
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            return bool(abs(process.create_time() - self.started) > _CLOCK_TOLERANCE)
        except psutil.NoSuchProcess:
            return True
        except psutil.AccessDenied:
            return False


def free(holder: ProcessId | None, lease_until: float) -> bool:
    """May another take what `holder` held until `lease_until` (seconds since the epoch)?"""
    return holder is None or lease_until <= time.time() or holder.gone()
