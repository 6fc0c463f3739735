"""Ports for servers that tests start."""

import os
import random
import socket

# Below what Linux gives to outgoing connections (32768 and up), so that none takes a port between choice and use.
FIRST, LAST = 11_000, 22_000
# pytest-xdist numbers its workers gw0, gw1, ...: each has ports of its own, for the same reason.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_choice, _given = random.SystemRandom(), set()


def free_port(*offsets: int) -> int:
    """A port on loopback, another one each time, that nobody listens on now, nor on those so far above it."""
    while True:
        port = _choice.randrange(FIRST + _worker, LAST, _workers)
        if port not in _given and all(_is_free(port + offset) for offset in (0, *offsets)):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
