"""A process that has loaded torch and transformers, and forks itself for each stage that needs them.

The import takes longer than what a stage does with a tiny model. Nothing of Abreast is loaded here: a stage takes that
from its own working directory. Run as `python tests/prefork/server.py ADDRESS`; prints `ready` when it listens.
"""

import array
import atexit
import contextlib
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

SLOW = (
    "pandas",
    "pyarrow.parquet",
    "torch",
    "peft",
    "transformers.models.llama.modeling_llama",
    "transformers.models.bert.modeling_bert",
)


def serve(address: str) -> None:
    """Attend to each connection in a process of its own."""
    for name in SLOW:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(16)
        print("ready", flush=True)
        while True:
            connection = listener.accept()[0]
            if os.fork() == 0:
                listener.close()
                _attend(connection)
            connection.close()


def _attend(connection: socket.socket) -> NoReturn:
    """Run what a client asks for and answer with its wait status; kill it when the client is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program, streams = _receive(connection)
    if (stage := os.fork()) == 0:
        connection.close()
        _run(program, streams)
    for stream in streams:
        os.close(stream)
    ended = os.pidfd_open(stage)
    if ended not in select.select([ended, connection], [], [])[0]:
        os.kill(stage, signal.SIGKILL)
    status = os.waitpid(stage, 0)[1]
    with contextlib.suppress(OSError):
        connection.sendall(str(status).encode())
    os._exit(0)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], array.array]:
    size, ancillary, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(3 * 4))
    streams = array.array("i", ancillary[0][2])
    with connection.makefile("rb") as file:
        return json.loads(file.read(int.from_bytes(size, "big"))), streams


def _run(program: dict[str, Any], streams: array.array) -> NoReturn:
    """Be `python -m <argv>` in the client's place."""
    code = 1
    try:
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
        os.chdir(program["cwd"])
        os.environ.clear()
        os.environ.update(program["env"])
        sys.path[:1] = [program["cwd"], *program["env"].get("PYTHONPATH", "").split(os.pathsep)]
        sys.argv = program["argv"]
        runpy.run_module(program["argv"][0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
