"""The desk: an update's inputs in the user's own working tree."""

from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.knowledge.snapshot import Snapshot, save_snapshot
from abreast.ledger import Ledger
from abreast.lifecycle.snapshots import compose, snapshot_of
from abreast.storage.drop_store import configure_clone, place


def lay_snapshot(project: Project, ledger: Ledger, update: str | None) -> Snapshot:
    """Write `snapshot.json`, the drops and the parent of `update`, or of what the next update would learn now.

    Raises:
        AbreastError: there is no such update, or nothing waits.
    """
    line = project.params.model.name
    if update is not None:
        snapshot, pointers = snapshot_of(ledger, ledger.updates.get(update))
    else:
        waiting = ledger.updates.waiting(line)
        if not waiting:
            raise AbreastError("no accepted drop waits; name an update to repeat, such as `abreast snapshot u0001`")
        snapshot, pointers = compose(ledger, line, waiting, ledger.updates.next_parent(line))
    configure_clone(project.root, project.home, project.params.storage, project.root)
    for path, pointer in pointers.items():
        place(project.root, path, pointer)
    save_snapshot(project.root, snapshot)
    return snapshot
