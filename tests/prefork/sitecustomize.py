"""On the PYTHONPATH of an installation's processes: a stage that loads torch hands itself to `tests/prefork/server.py`.

The process stays what it was for everybody else: its name, its exit status, and what a kill does to it.
"""

import os
import sys

STAGES = ("abreast.learning.trainer.train", "abreast.evaluation.evaluate")


def _hand_over(address: str) -> None:
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
        program = {"argv": sys.orig_argv[2:], "cwd": os.getcwd(), "env": dict(os.environ)}  # noqa: PTH109
        content = json.dumps(program).encode()
        streams = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))
        connection.sendmsg([len(content).to_bytes(4, "big")], [streams])
        connection.sendall(content)
        status = int(connection.recv(16) or b"9")
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(os.waitstatus_to_exitcode(status))


if (
    (address := os.environ.get("PREFORK_SOCKET"))
    and sys.orig_argv[1:2] == ["-m"]
    and sys.orig_argv[2] in STAGES
    and "HF_HUB_OFFLINE" not in os.environ  # read when the libraries are loaded
):
    _hand_over(address)
