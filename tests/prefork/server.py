"""A process that has loaded what the programs of an installation load, and forks itself for each of them.

Loading torch, Great Expectations, Prefect and MLflow takes longer than what a stage or a flow does with a tiny model.
Nothing of Abreast is loaded here: a program takes that from its own working directory. Run as
`python tests/prefork/server.py ADDRESS`; prints `ready` when it listens.
"""

import array
import atexit
import contextlib
import gc
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
    "great_expectations",
    "prefect.flow_engine",
    "prefect.runner",
    "mlflow.tracking",
    "dvc.repo",
    "matplotlib.backends.backend_agg",
)


def serve(address: str) -> None:
    """Attend to each connection in a process of its own."""
    for name in SLOW:
        importlib.import_module(name)
    gc.freeze()  # no collection of a copy looks through what was loaded here
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
    """Run what a client asks for, pass on the signals that it gets, and answer with the wait status.

    When the client is gone, the program is killed.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    program, streams = _receive(connection)
    if (child := os.fork()) == 0:
        connection.close()
        _run(program, streams)
    for stream in streams:
        os.close(stream)
    ended = os.pidfd_open(child)
    while ended not in select.select([ended, connection], [], [])[0]:
        signals = connection.recv(16)
        for number in signals or [signal.SIGKILL]:
            os.kill(child, number)
        if not signals:
            break
    status = os.waitpid(child, 0)[1]
    with contextlib.suppress(OSError):
        connection.sendall(str(status).encode())
    os._exit(0)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], array.array]:
    size, ancillary, _, _ = connection.recvmsg(4, socket.CMSG_SPACE(3 * 4))
    streams = array.array("i", ancillary[0][2])
    left, content = int.from_bytes(size, "big"), b""
    while len(content) < left:
        content += connection.recv(left - len(content))
    return json.loads(content), streams


def _run(program: dict[str, Any], streams: array.array) -> NoReturn:
    """Be `python -m MODULE ...` or `python SCRIPT ...` in the client's place."""
    code = 1
    try:
        for target, stream in enumerate(streams):
            os.dup2(stream, target)
        os.chdir(program["cwd"])
        os.environ.clear()
        os.environ.update(program["env"])
        _read_environment_again()
        module, sys.argv = program["module"], program["argv"]
        paths = program["env"].get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:1] = [program["cwd"], *paths] if module else [os.path.dirname(sys.argv[0]), *paths]  # noqa: PTH120
        if module:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _read_environment_again() -> None:
    """Prefect reads its settings when it is imported."""
    from prefect.context import refresh_global_settings_context

    refresh_global_settings_context()


if __name__ == "__main__":
    serve(sys.argv[1])
