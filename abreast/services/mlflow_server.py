"""MLflow's server as one process: takes the options of `mlflow server`.

`mlflow server` prepares the database, starts uvicorn as a child and waits for it, holding 190 MB. Here uvicorn takes
the place of the process that prepared it.
"""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def become(command: Sequence[str], extra_env: dict[str, str], **_: object) -> NoReturn:
    """Replace this process by `command`, with `extra_env` laid over the environment."""
    os.execvpe(command[0], list(command), {**os.environ, **extra_env})


def main() -> None:
    """Run `mlflow server` with this process's arguments."""
    import mlflow.server
    from mlflow.cli import cli

    mlflow.server._exec_cmd = become
    cli(["server", *sys.argv[1:]], prog_name="mlflow")


if __name__ == "__main__":
    main()
