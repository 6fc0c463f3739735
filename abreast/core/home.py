"""Where Abreast keeps its state: one folder, `.abreast` in the project, or `$ABREAST_HOME`."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folders of one installation; all are git-ignored and none is part of a stage's input."""

    root: Path

    @classmethod
    def of(cls, project: Path) -> "Home":
        """The home of the project at `project`; `$ABREAST_HOME` wins, so that a clone shares its origin's home."""
        return cls(Path(os.environ.get("ABREAST_HOME") or project / ".abreast").resolve())

    @property
    def drops(self) -> Path:
        """The store of accepted drops: a DVC repository without git."""
        return self.root / "drops"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def cache(self) -> Path:
        """The DVC cache that all clones share."""
        return self.root / "cache"

    @property
    def runs(self) -> Path:
        """One clone of the project for each update."""
        return self.root / "runs"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def models(self) -> Path:
        """Versions fetched from the registry, by digest, for answering."""
        return self.root / "models"

    @property
    def tuning(self) -> Path:
        """One folder for each study of `abreast tune`."""
        return self.root / "tuning"

    @property
    def logs(self) -> Path:
        return self.root / "logs"
