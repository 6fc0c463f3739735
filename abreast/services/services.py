"""What an installation works with: its project, and the ledger, registry and inbox that the project's settings name."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.core.project import Project
from abreast.learning.adapters import check_experts, make_adapter_method
from abreast.learning.methods import check_methods

if TYPE_CHECKING:
    from abreast.inbox.open_inbox import Inbox
    from abreast.ledger import Ledger
    from abreast.tracking.registry import Registry


@dataclass(frozen=True)
class Services:
    """Made once by a command or a flow; ledger, inbox and registry are opened on first use."""

    project: Project

    @classmethod
    def open(cls, start: Path | None = None) -> "Services":
        """The services of the project that holds `start`, `$ABREAST_PROJECT` or the working directory.

        Raises:
            AbreastError: as `Project.open` does, or its settings name an unknown adapter or method.
        """
        project = Project.open(start)
        make_adapter_method(project.params.train.peft)
        check_experts(project.params.train.experts, project.params.train.peft)
        check_methods(project.params.train.regularizers)
        return cls(project)

    @property
    def line(self) -> str:
        """The name of the line of models, the same in ledger and registry."""
        return self.project.params.model.name

    @cached_property
    def ledger(self) -> "Ledger":
        """Raises AbreastError if the database of `storage.ledger` is unreachable."""
        from abreast.ledger import open_ledger

        return open_ledger(self.project.params.storage.ledger, self.project.root)

    @cached_property
    def inbox(self) -> "Inbox":
        """Where drops arrive; raises AbreastError if `intake.inbox` cannot be an inbox."""
        from abreast.inbox.open_inbox import open_inbox

        return open_inbox(self.project.params.intake, self.project.root)

    @cached_property
    def registry(self) -> "Registry":
        """Versions and runs in MLflow; making it asks no server."""
        from abreast.tracking.registry import Registry

        return Registry(self.project.mlflow_uri, self.line)
