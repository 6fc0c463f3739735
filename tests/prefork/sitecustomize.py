"""On the PYTHONPATH of an installation's processes: a program hands itself to `tests/prefork/server.py`.

The process stays what it was for everybody else: its name, its exit status, and what a signal does to it.
"""

import os
import sys

MODULES = ("abreast.", "benchmarks.base_family", "prefect.engine", "tests.")
"""How the modules begin that are run so, as `python -m`."""
SERVERS = "abreast.services."
WATCHER = "watch"
"""What goes on as long as the services do: it needs no help, and would keep the memory of a copy."""


def _given_program() -> tuple[str, list[str]] | None:
    """Module and `sys.argv` of what this process was started for; the module of a script is empty."""
    arguments = sys.orig_argv[1:]
    if arguments[:1] == ["-m"] and arguments[1].startswith(MODULES) and not arguments[1].startswith(SERVERS):
        return arguments[1], arguments[1:]
    if arguments[:1] and arguments[0].endswith("/bin/abreast") and arguments[1:2] != [WATCHER]:
        return "", arguments
    return None


def _hand_over(address: str, module: str, argv: list[str]) -> None:
    """Let the server run this program, and end as it ended; returns if the server is gone."""
    import array
    import json
    import signal
    import socket

    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return
        program = {"module": module, "argv": argv, "cwd": os.getcwd(), "env": dict(os.environ)}  # noqa: PTH109
        content = json.dumps(program).encode()
        streams = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
        connection.sendmsg([len(content).to_bytes(4, "big")], [streams])
        connection.sendall(content)
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, lambda number, _: connection.sendall(bytes([number])))
        status = int(connection.recv(16) or b"9")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


# What the libraries read when they are loaded cannot be changed after it.
if (address := os.environ.get("PREFORK_SOCKET")) and "HF_HUB_OFFLINE" not in os.environ and (found := _given_program()):
    _hand_over(address, *found)
