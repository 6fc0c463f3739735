"""One installation of Abreast: a git repository with `params.yaml` and `dvc.yaml`, and the home that its runs share."""

import os
from dataclasses import dataclass
from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.core.git import git_or_none
from abreast.core.home import Home
from abreast.core.settings import Params, load_params

# What a run takes from the commit that it starts from; anything else may be edited freely meanwhile.
RUN_FILES = ("abreast", "params.yaml", "dvc.yaml", "constraints.txt", "pyproject.toml")


@dataclass(frozen=True)
class Project:
    """Where everything is: the working tree, its settings, its home, and the addresses of its servers."""

    root: Path
    params: Params
    home: Home

    @classmethod
    def open(cls, start: Path | None = None) -> "Project":
        """The project that holds `start`, `$ABREAST_PROJECT` or the working directory.

        Raises:
            AbreastError: it is not a git repository, or has no readable `params.yaml`.
        """
        root = _git_root(start or Path(os.environ.get("ABREAST_PROJECT") or "."))
        params = load_params(root)
        return cls(root, params, Home.of(root))

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
        found = git_or_none(self.root, "rev-parse", "--verify", "HEAD")
        if found is None:
            raise AbreastError(f"{self.root}: the git repository has no commit yet; a run starts from a commit")
        return found

    def uncommitted(self) -> list[str]:
        """Files of `RUN_FILES` that differ from the commit, which a run would therefore not see."""
        changed = git_or_none(self.root, "status", "--porcelain", "--", *RUN_FILES) or ""
        return [line[3:] for line in changed.splitlines()]


def _git_root(start: Path) -> Path:
    if not start.is_dir():
        raise AbreastError(f"{start}: no such folder; run inside an Abreast project, or set ABREAST_PROJECT")
    found = git_or_none(start, "rev-parse", "--show-toplevel")
    if found is None:
        raise AbreastError(
            f"{start.resolve()}: not a git repository; an Abreast project is one (`git init`, `git commit`)"
        )
    return Path(found)
