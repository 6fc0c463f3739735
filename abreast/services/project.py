"""One installation of Abreast: a git repository with `params.yaml` and `dvc.yaml`, and the home that its runs share."""

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.core.errors import AbreastError
from abreast.core.home import Home
from abreast.core.settings import Params, load_params
from abreast.learning.adapters import check_experts, make_adaptation
from abreast.learning.methods import check_methods

if TYPE_CHECKING:
    from abreast.inbox.arrival import Inbox
    from abreast.ledger import Ledger
    from abreast.tracking.registry import Registry

# What a run takes from the commit that it starts from; anything else may be edited freely meanwhile.
RUN_FILES = ("abreast", "params.yaml", "dvc.yaml", "constraints.txt", "pyproject.toml")


@dataclass(frozen=True)
class Project:
    """Where everything is: the working tree, the knobs, the home, and the doors to inbox, ledger and registry."""

    root: Path
    params: Params
    home: Home

    @classmethod
    def open(cls, start: Path | None = None) -> "Project":
        """The project that holds `start`, `$ABREAST_PROJECT` or the working directory.

        Raises:
            AbreastError: it is not a git repository, has no readable `params.yaml`, or adapts or remembers by an
                unknown method.
        """
        root = _git_root(start or Path(os.environ.get("ABREAST_PROJECT") or "."))
        params = load_params(root)
        make_adaptation(params.train.peft)
        check_experts(params.train.experts, params.train.peft)
        check_methods(params.train.regularizers)
        return cls(root, params, Home.of(root))

    @cached_property
    def ledger(self) -> "Ledger":
        from abreast.ledger import open_ledger

        return open_ledger(self.params.storage.ledger, self.root)

    @cached_property
    def inbox(self) -> "Inbox":
        """Where drops arrive; raises AbreastError if `intake.inbox` cannot be an inbox."""
        from abreast.inbox.arrival import open_inbox

        return open_inbox(self.params.intake, self.root)

    @cached_property
    def registry(self) -> "Registry":
        from abreast.tracking.registry import Registry

        return Registry(self.mlflow_uri, self.params.model.name)

    @property
    def prefect_api(self) -> str:
        """`$PREFECT_API_URL` where it is set, else the server that `abreast up` starts."""
        services = self.params.services
        return os.environ.get("PREFECT_API_URL") or f"http://{services.host}:{services.prefect_port}/api"

    @property
    def mlflow_uri(self) -> str:
        """`$MLFLOW_TRACKING_URI` where it is set, else the server that `abreast up` starts."""
        services = self.params.services
        return os.environ.get("MLFLOW_TRACKING_URI") or f"http://{services.host}:{services.mlflow_port}"

    def commit(self) -> str:
        """The commit that a run would start from."""
        found = _git(self.root, "rev-parse", "--verify", "HEAD")
        if found.returncode:
            raise AbreastError(f"{self.root}: the git repository has no commit yet; a run starts from a commit")
        return found.stdout.strip()

    def uncommitted(self) -> list[str]:
        """Files of `RUN_FILES` that differ from the commit, which a run would therefore not see."""
        changed = _git(self.root, "status", "--porcelain", "--", *RUN_FILES).stdout.splitlines()
        return [line[3:] for line in changed]


def _git_root(start: Path) -> Path:
    if not start.is_dir():
        raise AbreastError(f"{start}: no such folder; run inside an Abreast project, or set ABREAST_PROJECT")
    found = _git(start, "rev-parse", "--show-toplevel")
    if found.returncode:
        raise AbreastError(
            f"{start.resolve()}: not a git repository; an Abreast project is one (`git init`, `git commit`)"
        )
    return Path(found.stdout.strip())


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["git", *arguments], cwd=folder, text=True, capture_output=True, check=False)
    except FileNotFoundError:
        raise AbreastError("git: no such command; Abreast runs each update in a git clone, install git") from None
