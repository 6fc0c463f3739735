"""Stage `assemble`: the parent's knowledge base and the new drops become the knowledge base of this update."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from abreast.core import stage
from abreast.core.files import write_text
from abreast.knowledge.drop import DropInfo
from abreast.knowledge.knowledge_base import apply_drops, latest_rows, read_base, valid_rows, write_base
from abreast.knowledge.record import Record
from abreast.knowledge.snapshot import load_drop, load_snapshot

KNOWLEDGE = Path("data/knowledge.parquet")
CHANGES = Path("data/changes.parquet")
REPORT = Path("reports/assemble.json")


def main() -> None:
    """Read `snapshot.json`, its drops and the parent's knowledge; write knowledge, changes and counts."""
    root = Path()
    snapshot = load_snapshot(root)
    before = read_base(root / snapshot.parent.knowledge) if snapshot.parent else None
    drops = [load_drop(root, ref) for ref in snapshot.drops]
    base, changes = apply_drops(before, drops)
    write_base(KNOWLEDGE, base, crash_after="assemble.knowledge")
    write_base(CHANGES, changes)
    write_text(REPORT, json.dumps(assembly_counts(base, changes, drops), indent=1) + "\n")


def assembly_counts(
    base: pd.DataFrame, changes: pd.DataFrame, drops: Sequence[tuple[DropInfo, Sequence[Record]]]
) -> dict[str, int]:
    """What the drops did, in numbers: `history` came too late to be news, `restated` was known already."""
    ours = base[base["drop"].isin([info.digest for info, _ in drops])]
    records = sum(len(records) for _, records in drops)
    kinds = changes["change"].value_counts()
    return {
        "drops": len(drops),
        "records": records,
        **{kind: int(kinds.get(kind, 0)) for kind in ("new", "changed", "withdrawn", "revived")},
        "history": int(ours["valid_until"].notna().sum()),
        "restated": records - len(ours),
        "valid": len(valid_rows(base)),
        "ended": len(base) - len(latest_rows(base)),
        "rows": len(base),
    }


if __name__ == "__main__":
    stage.run(main)
