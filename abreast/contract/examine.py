"""What becomes of a delivery: its rows are screened, the drop as a whole is held against the contract."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from abreast.contract.screen import Reason, Screened, screen
from abreast.core.disk_errors import storage_refusal
from abreast.core.errors import AbreastError
from abreast.core.files import new_folder, remove_staging, sha256_of
from abreast.core.home import Home
from abreast.core.settings import Params
from abreast.inbox.file_names import payload_files
from abreast.inbox.reader import RawRow, read_rows
from abreast.knowledge.drop import DropInfo, drop_digest
from abreast.knowledge.record import Record


class Examined(BaseModel):
    """A delivery, looked at.

    `digest` names its content, good and bad; `records` are the good rows, in no particular order; `quarantined` tells
    for each other row why; `reasons` tells why the drop as a whole is refused. `set_aside` holds the bad rows.
    """

    model_config = ConfigDict(frozen=True)

    digest: str
    name: str
    rows: int
    records: tuple[Record, ...]
    quarantined: tuple[Reason, ...]
    verdict: Literal["accepted", "quarantined"]
    reasons: tuple[str, ...]
    set_aside: tuple[dict, ...] = Field(repr=False)

    def info(self, name: str, arrived_at: str) -> DropInfo:
        """What the store keeps beside the records.

        Args:
            arrived_at: ISO time with a zone.
        """
        return DropInfo(
            digest=self.digest,
            name=name,
            arrived_at=arrived_at,
            rows=self.rows,
            accepted=len(self.records),
            quarantined=len(self.quarantined),
            kinds=dict(Counter(record.kind for record in self.records)),
        )


def examine(
    files: Path,
    name: str,
    known: Mapping[str, str | None],
    params: Params,
    home: Home,
    root: Path,
    former: Mapping[str, Mapping[str, str]] | None = None,
) -> Examined:
    """Look at a delivery's files.

    Args:
        files: a data file, or a folder of them.
        known: the present value of every known key, null for a withdrawn one.
        root: the project's root, to which the knob `contract.file` is relative.
        former: the values that known keys had before, each with the day on which it ended.

    Raises:
        AbreastError: the contract file is at fault, or the disk; what is wrong with the delivery is told in the result.
    """
    rows, unreadable, broken = _read(files)
    digest = drop_digest([row.data if row.data is not None else row.text or "" for row in rows] + broken)
    screened = screen(rows, params.intake)
    records = tuple(screened.records.values())
    reasons = [*unreadable, *_row_faults(screened, len(rows), params)]
    if not reasons and not records:
        reasons = [f"drop {name}: holds no rows; expected at least one"]
    if not reasons:
        held = _held(records, known, former or {}, root / params.contract.file, home, digest, name)
        reasons = [f"drop {name}: {breach}" for breach in held]
    return Examined(
        digest=digest,
        name=name,
        rows=len(rows),
        records=records,
        quarantined=tuple(sorted(screened.reasons, key=lambda reason: (reason.file, reason.row))),
        verdict="quarantined" if reasons else "accepted",
        reasons=tuple(reasons),
        set_aside=tuple(_set_aside(rows, screened)),
    )


def _read(files: Path) -> tuple[list[RawRow], list[str], list[str]]:
    """All rows; why files cannot be read as a whole; and what names the content of those."""
    inside = {p.relative_to(files).as_posix(): p for p in files.rglob("*") if p.is_file()} if files.is_dir() else {}
    rows: list[RawRow] = []
    reasons, broken = [], []
    for name in payload_files(inside) or [files.name]:
        path = inside.get(name, files)
        try:
            rows += [RawRow(name, row.row, row.data, row.text, row.error) for row in read_rows(path)]
        except AbreastError as error:
            reasons.append(str(error))
            broken.append(f"sha256:{sha256_of(path)}" if path.is_file() else "")
    return rows, reasons, broken


def _row_faults(screened: Screened, rows: int, params: Params) -> list[str]:
    """Why the rows, taken together, are reason enough to refuse the drop."""
    allowed = params.intake.max_bad_share
    if not screened.bad or screened.bad <= allowed * rows:
        return []
    share = f"{screened.bad} of {rows} rows are at fault ({screened.bad / rows:.1%})"
    reasons = [f"{share}; the knob `intake.max_bad_share` allows {allowed:.1%}"]
    for kind in sorted(screened.foreign):
        taken = ", ".join(params.intake.kinds)
        reasons.append(f"records of kind {kind} are not taken; the knob `intake.kinds` takes {taken}")
    return reasons


def _held(
    records: tuple[Record, ...],
    known: Mapping[str, str | None],
    former: Mapping[str, Mapping[str, str]],
    contract: Path,
    home: Home,
    digest: str,
    name: str,
) -> list[str]:
    from abreast.contract.drop_contract import hold_drop

    try:
        return [breach.message for breach in hold_drop(records, known, former, contract, home, digest, name).breaches]
    except OSError as error:
        raise storage_refusal(home.root, error) from error


def _set_aside(rows: list[RawRow], screened: Screened) -> list[dict]:
    """The bad rows as they came; of those with personal data only where they are."""
    personal: dict[tuple[str, int], bool] = {}
    for reason in screened.reasons:
        personal[reason.file, reason.row] = personal.get((reason.file, reason.row), False) or reason.personal
    kept = []
    for row in rows:
        if (row.file, row.row) in personal:
            withheld = personal[row.file, row.row]
            content = {"withheld": "personal data"} if withheld else {"data": row.data, "text": row.text}
            kept.append({"file": row.file, "row": row.row, **content})
    return kept


def write_quarantine(home: Home, examined: Examined) -> Path:
    """Keep what was set aside as `quarantine/<digest>/`: `reasons.jsonl`, `rows.jsonl` and `drop.json`.

    It is written whole or not at all; the same delivery is kept once. Only its owner may read it.

    Raises:
        Unavailable: the disk is full.
    """
    target = home.quarantine / examined.digest
    plain = {"digest": examined.digest, "name": examined.name, "rows": examined.rows, "accepted": len(examined.records)}
    about = plain | {"verdict": examined.verdict, "reasons": examined.reasons, "quarantined": len(examined.quarantined)}
    try:
        with new_folder(target, private=True, crash_before="quarantine.written") as staging:
            (staging / "drop.json").write_text(json.dumps(about, indent=1) + "\n")
            (staging / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in examined.set_aside))
            reasons = (reason.model_dump_json(exclude={"repeats", "personal"}) for reason in examined.quarantined)
            (staging / "reasons.jsonl").write_text("".join(f"{line}\n" for line in reasons))
    except OSError as error:
        if not target.exists():
            raise storage_refusal(home.quarantine, error) from error
    finally:
        # A kill may have left a copy of the same bad rows: they are kept once.
        remove_staging(home.quarantine, f"{examined.digest}-")
    return target
