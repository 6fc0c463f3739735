"""Drops made for tests."""

import hashlib
import json
from pathlib import Path
from typing import Any

from abreast.knowledge.drop import DropInfo, drop_digest, write_drop
from abreast.knowledge.record import Record, parse_record
from abreast.knowledge.snapshot import DropRef, ParentRef, Snapshot, save_snapshot

Drop = tuple[DropInfo, list[Record]]


def fact(key: str, value: str | None, as_of: str | None = "2024-04-01", **attributes: str) -> dict[str, Any]:
    return {"key": key, "value": value, "as_of": as_of, **attributes}


def release(product: str, number: str, value: str | None, as_of: str, field: str = "latest") -> dict[str, Any]:
    key = f"{product.lower()}/{number}/{field}"
    return fact(key, value, as_of, product=product, release=number, field=field)


def drop(name: str, rows: list[dict[str, Any]], day: int = 1) -> Drop:
    """A drop that arrived on a day of June 2024."""
    kinds: dict[str, int] = {}
    records = [parse_record(row) for row in rows]
    for record in records:
        kinds[record.kind] = kinds.get(record.kind, 0) + 1
    info = DropInfo(
        digest=drop_digest([*rows, name]),
        name=name,
        arrived_at=f"2024-06-{day:02d}T08:00:00Z",
        rows=len(rows),
        accepted=len(rows),
        quarantined=0,
        kinds=kinds,
    )
    return info, records


def clone(root: Path, drops: list[Drop], parent: Path | None = None) -> Path:
    """A project folder with a snapshot of the drops, on top of the knowledge base `parent`."""
    refs = []
    for info, records in drops:
        path = f"data/drops/{info.digest}"
        write_drop(root / path, info, records)
        refs.append(DropRef(digest=info.digest, path=path, arrived_at=info.arrived_at, name=info.name))
    ref = None
    if parent is not None:
        (root / "data/parent").mkdir(parents=True)
        (root / "data/parent/knowledge.parquet").write_bytes(parent.read_bytes())
        ref = ParentRef(version="v1", digest=hashlib.sha256(b"model").hexdigest(), path="data/parent")
    save_snapshot(root, Snapshot(drops=tuple(refs), parent=ref))
    templates = Path(__file__).parents[2] / "abreast/dataset/templates.yaml"
    (root / "params.yaml").write_text(json.dumps({"knowledge": {"templates": str(templates)}}))
    return root
