"""The clones of updates that have ended."""

from abreast.core.project import Project
from abreast.ledger import Ledger
from abreast.ledger.rows import LIVE
from abreast.storage.workspace import Workspace


def remove_ended_clones(project: Project, ledger: Ledger) -> list[str]:
    """Delete the folders of ended updates whose process was killed before it did so itself.

    Returns:
        The updates whose folders were there, such as `u0007`; those that failed keep theirs, to be looked into.
    """
    removed = []
    for folder in project.home.runs.glob("u[0-9]*"):
        if ledger.updates.get(folder.name).status not in (*LIVE, "failed"):
            Workspace(project, folder.name).remove()
            removed.append(folder.name)
    return sorted(removed)
