"""Cards of made-up versions."""

import json
from pathlib import Path

from abreast.ledger.rows import Drop
from abreast.reports.tables import DropRow
from abreast.tracking.card.page import Page, build_page
from abreast.tracking.retention_matrix import retention_of
from abreast.tracking.run_log import RunFacts
from tests.lifecycle.ledgers import POINTER, drop_info

ROWS = [DropRow(drop="d", name="first", base=0.0, candidate=0.5)]


def drop(name: str) -> Drop:
    known = drop_info(name).model_dump(exclude={"records_digest"})
    return Drop(**known, seq=1, status="accepted", uri=None, pointer=POINTER, reasons=())


def page_of(folder: Path, *answers: dict, drops: tuple[str, ...] = ("2026-q1",)) -> Page:
    """The card of what `finished_run` left in `folder`, with other answers if there are any."""
    if answers:
        (folder / "reports" / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in answers))
    facts = RunFacts(
        update="u0001",
        commit="c" * 40,
        parent=None,
        drops=tuple(map(drop, drops)),
        snapshot="5" * 64,
        params={},
        folder=folder,
        model_digest="6" * 64,
        retention=retention_of([], ROWS),
    )
    return build_page(facts, "line", "7", "run")
