"""The snapshot of an update, from what the ledger knows of its drops and its parent."""

from abreast.knowledge.snapshot import DropRef, ParentRef, Snapshot
from abreast.ledger import Drop, Ledger, Pointer, Update

DROPS = "data/drops"
PARENT = "data/parent"


def snapshot_of(ledger: Ledger, update: Update) -> tuple[Snapshot, dict[str, Pointer]]:
    """The manifest of an update, and what DVC holds for each path that the manifest names."""
    drops = [ledger.drops.get(digest) for digest in update.drops]
    return compose(ledger, update.line, [drop for drop in drops if drop], update.parent)


def compose(ledger: Ledger, line: str, drops: list[Drop], parent: int | None) -> tuple[Snapshot, dict[str, Pointer]]:
    """The manifest for learning `drops` on top of version `parent`, with the pointers of all that it names."""
    refs, pointers = [], {}
    for drop in drops:
        path = f"{DROPS}/{drop.digest}"
        refs.append(DropRef(digest=drop.digest, path=path, arrived_at=drop.arrived_at, name=drop.name))
        pointers[path] = drop.pointer
    if parent is None:
        return Snapshot(drops=tuple(refs)), pointers
    version = ledger.versions.get(line, parent)
    pointers |= {f"{PARENT}/model": version.model, f"{PARENT}/knowledge.parquet": version.knowledge}
    reference = ParentRef(version=version.name, digest=version.digest, path=PARENT)
    return Snapshot(drops=tuple(refs), parent=reference), pointers
