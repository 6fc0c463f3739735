"""A whole installation of Abreast in a temporary folder: its own git repository, home, servers and knobs."""

import contextlib
import io
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from tests.ports import free_port

SOURCE = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PREFORK = str(SOURCE / "tests/prefork")
"""Where a process with this on its PYTHONPATH finds how to be forked."""
SOCKET = "PREFORK_SOCKET"
"""The variable that names the address of `tests/prefork/server.py`."""
NOT_INHERITED = ("ABREAST_", "PREFECT_", "MLFLOW_", "DVC_", "GIT_", "PYTHONDONTWRITEBYTECODE")


def laid(before: dict[str, Any], values: Any) -> Any:
    """A section with some of its knobs changed; a list, such as the gates, is put in place of the one before."""
    return {**before, **values} if isinstance(values, dict) else values


class Installation:
    """A copy of this repository's files, committed, with some knobs changed.

    Args:
        root: the folder to make it in.
        knobs: such as `{"train": {"epochs": 2}}`, laid over params.yaml.
    """

    def __init__(self, root: Path, knobs: dict[str, Any]):
        self.root = root
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=SOURCE,
            text=True,
            capture_output=True,
            check=True,
        ).stdout
        for name in filter(lambda name: (SOURCE / name).is_file(), listed.splitlines()):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / name, root / name)
        self.git("init", "--quiet", "--initial-branch=main")
        self.port, mlflow_port = free_port(), free_port()
        self.set_knobs({"services": {"prefect_port": self.port, "mlflow_port": mlflow_port}, **knobs})

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.root, text=True, capture_output=True, check=True).stdout.strip()

    def knobs(self) -> dict[str, Any]:
        """What params.yaml holds."""
        return yaml.safe_load((self.root / "params.yaml").read_text())

    def set_knobs(self, knobs: dict[str, Any]) -> None:
        """Lay knobs over params.yaml and commit."""
        path = self.root / "params.yaml"
        merged = self.knobs()
        for section, values in knobs.items():
            merged[section] = laid(merged.get(section, {}), values)
        path.write_text(yaml.safe_dump(merged))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "knobs")

    @property
    def env(self) -> dict[str, str]:
        """This process's environment without what would point to another installation, and with this copy's code."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        path = f"{BIN}{os.pathsep}{kept['PATH']}"
        code = [str(self.root), *([PREFORK] if SOCKET in kept else [])]
        return {**kept, "PATH": path, "PYTHONPATH": os.pathsep.join(code), "COLUMNS": "200"}

    def run(self, *command: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the root with the environment's own `bin` first."""
        done = subprocess.run(
            command, cwd=self.root, env={**self.env, **extra}, text=True, capture_output=True, check=False, timeout=600
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def abreast(self, *arguments: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run an Abreast command."""
        return self.run(str(BIN / "abreast"), *arguments, check=check, **extra)

    def dvc(self, *arguments: str, **extra: str) -> str:
        """Run DVC in this process; what it prints and logs itself, without its stages."""
        from dvc.cli import main

        log, logger = logging.StreamHandler(io.StringIO()), logging.getLogger("dvc")
        level = logger.level  # an update of this process, which tells only DVC's warnings, may have set it
        logger.setLevel(logging.INFO)
        logger.addHandler(log)
        try:
            with self._entered(extra), contextlib.redirect_stdout(log.stream):
                assert main(list(arguments)) == 0, log.stream.getvalue()
        finally:
            logger.removeHandler(log)
            logger.setLevel(level)
        return log.stream.getvalue()

    def changed_stages(self) -> set[str]:
        """The stages of which DVC says that what they read is not what it was when they ran."""
        from dvc.repo import Repo

        with self._entered({}), Repo(str(self.root)) as repo:
            return set(repo.status())

    def invoke(self, *arguments: str, **extra: str) -> Result:
        """Run an Abreast command in this process, on this repository's own code."""
        from abreast.cli.main import app

        with self._entered(extra):
            return CliRunner().invoke(app, arguments)

    @contextlib.contextmanager
    def _entered(self, extra: Mapping[str, str]) -> Iterator[None]:
        """This process in the root and the environment of this installation."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.root)
            for name in os.environ.keys() - self.env.keys():
                patch.delenv(name)
            for name, value in (self.env | extra).items():
                patch.setenv(name, value)
            yield

    def json(self, *arguments: str) -> Any:
        """What an Abreast command prints with `--json`."""
        return json.loads(self.abreast(*arguments, "--json").stdout)

    def deliver(self, path: Path) -> None:
        """Put a drop into the folder inbox as another program would: the file, then its marker."""
        inbox = self.root / ".abreast/inbox"
        shutil.copy2(path, inbox / path.name)
        (inbox / f"{path.name}.done").touch()
