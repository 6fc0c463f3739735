"""Examining a delivery: each row is screened, then the drop as a whole is validated against the contract."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from abreast.contract.row_screen import Reason, ScreenResult, screen
from abreast.core.disk_errors import storage_refusal
from abreast.core.errors import AbreastError
from abreast.core.files import new_folder, remove_staging, sha256_of
from abreast.core.home import Home
from abreast.core.settings import Params
from abreast.inbox.file_names import payload_files
from abreast.inbox.reader import RawRow, read_rows
from abreast.knowledge.drop import DropInfo, drop_digest
from abreast.knowledge.record import Record


class ExaminationResult(BaseModel):
    """The result of examining a delivery.

    `digest` identifies its content, good and bad rows alike; `records` are the good rows, in no particular order;
    `quarantined` gives the reason for each other row; `reasons` why the drop as a whole is refused. `set_aside` holds
    the bad rows.
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
        """The description that the drop store keeps beside the records.

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


def examine_delivery(
    files: Path,
    name: str,
    known: Mapping[str, str | None],
    params: Params,
    home: Home,
    root: Path,
    former: Mapping[str, Mapping[str, str]] | None = None,
) -> ExaminationResult:
    """Examine the files of a delivery.

    Args:
        files: a data file, or a folder of them.
        known: the current value of every known key, None for a withdrawn one.
        root: the project's root, to which the knob `contract.file` is relative.
        former: the earlier values of known keys, each with the day on which it ended.

    Raises:
        AbreastError: the contract file is invalid, or the disk fails; faults of the delivery are in the result.
    """
    rows, unreadable, fingerprints = _read(files)
    digest = drop_digest([row.data if row.data is not None else row.text or "" for row in rows] + fingerprints)
    screened = screen(rows, params.intake)
    records = tuple(screened.records.values())
    reasons = [*unreadable, *_row_faults(screened, len(rows), params)]
    if not reasons and not records:
        reasons = [f"drop {name}: holds no rows; expected at least one"]
    if not reasons:
        breaches = _breaches(records, known, former or {}, root / params.contract.file, home, digest, name)
        reasons = [f"drop {name}: {breach}" for breach in breaches]
    return ExaminationResult(
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
    """All rows; for each file that cannot be read as a whole, the reason and a fingerprint of its content."""
    inside = {p.relative_to(files).as_posix(): p for p in files.rglob("*") if p.is_file()} if files.is_dir() else {}
    rows: list[RawRow] = []
    reasons, fingerprints = [], []
    for name in payload_files(inside) or [files.name]:
        path = inside.get(name, files)
        try:
            rows += [RawRow(name, row.row, row.data, row.text, row.error) for row in read_rows(path)]
        except AbreastError as error:
            reasons.append(str(error))
            fingerprints.append(f"sha256:{sha256_of(path)}" if path.is_file() else "")
    return rows, reasons, fingerprints


def _row_faults(screened: ScreenResult, rows: int, params: Params) -> list[str]:
    """Why the drop is refused: too many of its rows are at fault."""
    allowed = params.intake.max_bad_share
    if not screened.bad or screened.bad <= allowed * rows:
        return []
    share = f"{screened.bad} of {rows} rows are at fault ({screened.bad / rows:.1%})"
    reasons = [f"{share}; the knob `intake.max_bad_share` allows {allowed:.1%}"]
    for kind in sorted(screened.refused_kinds):
        taken = ", ".join(params.intake.kinds)
        reasons.append(f"records of kind {kind} are not taken; the knob `intake.kinds` takes {taken}")
    return reasons


def _breaches(
    records: tuple[Record, ...],
    known: Mapping[str, str | None],
    former: Mapping[str, Mapping[str, str]],
    contract: Path,
    home: Home,
    digest: str,
    name: str,
) -> list[str]:
    from abreast.contract.drop_contract import validate_drop

    try:
        result = validate_drop(records, known, former, contract, home, digest, name)
        return [breach.message for breach in result.breaches]
    except OSError as error:
        raise storage_refusal(home.root, error) from error


def _set_aside(rows: list[RawRow], screened: ScreenResult) -> list[dict]:
    """The bad rows as delivered; of those with personal data only file and row number."""
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


def write_quarantine(home: Home, examined: ExaminationResult) -> Path:
    """Write the bad rows into `quarantine/<digest>/`: `reasons.jsonl`, `rows.jsonl` and `drop.json`.

    The folder is written whole or not at all, once for each delivery. Only its owner may read it.

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
