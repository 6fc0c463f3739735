"""The knowledge base: every accepted record with the time in which it was valid.

A table with one row for each time that a key held one content without a break (`COLUMNS`; all text but `withdrawn`).
Exactly one row of a key stands (its `valid_until` is null): the present record, or the one that withdrew it.
Nothing is deleted, only ended. Applying drops touches the rows of their keys alone and never reads an old drop.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from abreast.core.errors import AbreastError
from abreast.core.files import new_file
from abreast.knowledge.drop import DropInfo
from abreast.knowledge.record import FactRecord, InstructionRecord, Record, canonical_json, record_row

COLUMNS = (
    "id",
    "kind",
    "key",
    "value",
    "as_of",
    "domain",
    "source",
    "attributes",
    "drop",
    "drop_name",
    "arrived_at",
    "valid_from",
    "confirmed",
    "valid_until",
    "withdrawn",
)
"""`value` is a fact's value or an instruction's completion; `attributes` holds the other columns as JSON; `as_of` is
null where the record gave none; `drop` is the digest of the drop that brought it, `drop_name` the name under which that
drop arrived; `valid_from` is the first day (`as_of`, else the day of arrival), `confirmed` the last
day on which the same was stated, `valid_until` the first day on which something else held."""

_ENVELOPE = {"kind", "key", "as_of", "domain", "source"}
_WITHDRAWN = "\nwithdrawn"


def apply_drops(
    base: pd.DataFrame | None, drops: Iterable[tuple[DropInfo, Sequence[Record]]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add drops to the base (null: an empty one); gives the new base and what changed.

    A later `as_of` of a key supersedes; the same content stated again changes nothing; an earlier `as_of` becomes
    history; a null value withdraws. Of two drops with one `as_of`, the one that arrived later wins. The order of
    `drops` does not matter. The changes hold the standing row of each key that now says something else, with
    `change` (new, changed, withdrawn or revived) and `previous`, the value before.

    Raises:
        AbreastError: one drop gives two contents for one key and one day.
    """
    base = empty_base() if base is None else base
    stated = [_statements(info, records) for info, records in drops]
    new = pd.concat([_table([]), *stated], ignore_index=True)
    slots, new_slots = _slots(base), _slots(new)
    touched = slots.isin(new_slots)
    before = base[touched]
    after = _timeline(before, new)
    whole = pd.concat([base[~touched], after], ignore_index=True)
    whole = whole.sort_values(["key", "valid_from", "arrived_at", "id"], kind="stable", ignore_index=True)
    return whole, _changes(before, after)


def empty_base() -> pd.DataFrame:
    """A base without rows."""
    return _table([])


def latest_rows(base: pd.DataFrame) -> pd.DataFrame:
    """The one row of each key that is not ended; rows that withdraw are among them."""
    return base[base["valid_until"].isna()]


def valid_rows(base: pd.DataFrame) -> pd.DataFrame:
    """What holds now: standing rows that are not withdrawn."""
    return base[base["valid_until"].isna() & ~base["withdrawn"]]


def known_values(base: pd.DataFrame | None) -> dict[str, str | None]:
    """Each fact's key and present value; null where the key is withdrawn."""
    if base is None:
        return {}
    facts = latest_rows(base[base["kind"] == "fact"])
    values = facts["value"].astype(object).where(facts["value"].notna(), None)
    return dict(zip(facts["key"], values, strict=True))


def superseded_values(base: pd.DataFrame, keys: Iterable[str]) -> dict[str, list[str]]:
    """For each of the keys its former values that differ from the present one, oldest first."""
    rows = base[base["key"].isin(list(keys))]
    present = latest_rows(rows).set_index("key")["value"].to_dict()
    former = rows[rows["valid_until"].notna() & rows["value"].notna()].drop_duplicates(["key", "value"])
    found: dict[str, list[str]] = {str(key): [] for key in present}
    for key, value in zip(former["key"], former["value"], strict=True):
        if value != present[key]:
            found[key].append(value)
    return found


def ended_values(base: pd.DataFrame) -> dict[str, dict[str, str]]:
    """For each key of a fact its former values that differ from the present one, and the day on which each ended."""
    facts = base[base["kind"] == "fact"]
    present = latest_rows(facts).set_index("key")["value"].to_dict()
    former = facts[facts["valid_until"].notna() & facts["value"].notna()].sort_values("valid_until", kind="stable")
    found: dict[str, dict[str, str]] = {}
    for key, value, day in zip(former["key"], former["value"], former["valid_until"], strict=True):
        if value != present.get(key):
            found.setdefault(key, {})[value] = day
    return found


def read_base(path: Path) -> pd.DataFrame:
    """Read a knowledge base.

    Raises:
        AbreastError: the file is missing, is no Parquet, or has other columns.
    """
    try:
        base = pd.read_parquet(path)
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; the stage `assemble` writes it") from None
    except (OSError, ValueError) as error:
        raise AbreastError(f"{path}: no Parquet file: {' '.join(str(error).split())}") from None
    if missing := [name for name in COLUMNS if name not in base.columns]:
        raise AbreastError(f"{path}: no knowledge base: column `{missing[0]}` is missing")
    return base


def write_base(path: Path, base: pd.DataFrame, crash_after: str | None = None) -> None:
    """Write a knowledge base, or its changes, as Parquet."""
    with new_file(path, crash_after=crash_after) as partial:
        base.to_parquet(partial, index=False, compression="zstd")


def _table(rows: Iterable[tuple[Any, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame.from_records(list(rows), columns=list(COLUMNS))
    return frame.astype({name: bool if name == "withdrawn" else "str" for name in COLUMNS})


def _statements(info: DropInfo, records: Sequence[Record]) -> pd.DataFrame:
    """A row for each record of one drop, open-ended, exact repetitions left out."""
    frame = _table(_row(info, record) for record in records)
    frame = frame.drop_duplicates("id")
    slots = pd.DataFrame({"slot": _slots(frame), "day": frame["valid_from"]})
    clash = slots.duplicated(keep=False)
    if clash.any():
        key, day = (str(part) for part in slots[clash].iloc[0])
        raise AbreastError(f"drop {info.name}: key {key} has two different contents as of {day}; give one")
    return frame


def _row(info: DropInfo, record: Record) -> tuple[Any, ...]:
    value, attributes = _content(record)
    day = record.as_of or info.arrived_at[:10]
    identity = [record.kind, value, attributes if record.kind != "fact" else ""]
    if record.key is not None:
        identity += [record.key, day, info.digest]
    ident = _ident(identity)
    withdrawn = record.kind == "fact" and value is None
    return (
        *(ident, record.kind, record.key, value, record.as_of, record.domain, record.source, attributes),
        *(info.digest, info.name, info.arrived_at, day, day, None, withdrawn),
    )


def _content(record: Record) -> tuple[str | None, str]:
    """The value and, as JSON, what else the record says."""
    if isinstance(record, FactRecord):
        return record.value, canonical_json(record.attributes)
    row = {name: part for name, part in record_row(record).items() if name not in _ENVELOPE}
    if isinstance(record, InstructionRecord):
        return record.completion if record.messages is None else record.messages[-1].content, canonical_json(row)
    answer = row.get("label", row.get("target", row.get("tags")))
    return (None if answer is None else str(answer)), canonical_json(row)


def _ident(parts: Sequence[str | None]) -> str:
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:16]


def _slots(frame: pd.DataFrame) -> pd.Series:
    """What a row is about: its key; a record without key is about itself (no key begins with a space)."""
    return frame["key"].where(frame["key"].notna(), " " + frame["id"])


def _same(frame: pd.DataFrame) -> pd.Series:
    """Text that is equal where two rows of one slot say the same."""
    value = frame["value"].fillna("").where(~frame["withdrawn"], _WITHDRAWN)
    other = frame["kind"] + "\n" + frame["attributes"] + "\n" + value
    return value.where(frame["kind"] == "fact", other)


def _confirmations(rows: pd.DataFrame) -> pd.DataFrame:
    """The last day on which a row was stated again, as a statement of its own: something else may lie between."""
    again = rows[rows["key"].notna() & (rows["confirmed"] > rows["valid_from"])].copy()
    again["as_of"] = again["valid_from"] = again["confirmed"]
    ids = [_ident(parts) for parts in zip(again["id"], again["confirmed"], strict=True)]
    return again.assign(id=pd.Series(ids, index=again.index, dtype="str"))


def _timeline(before: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Order all that was said of the touched keys in time; runs of the same content become one row.

    A run keeps the row that was there first, so a restated fact stays the fact of the drop that brought it.
    """
    parts = [before.assign(confirmed=before["valid_from"]), _confirmations(before), new]
    rows = pd.concat([part.assign(rank=rank) for rank, part in enumerate(parts)], ignore_index=True)
    rows["slot"], rows["same"] = _slots(rows), _same(rows)
    rows = rows.sort_values(["slot", "valid_from", "arrived_at", "drop"], kind="stable", ignore_index=True)
    starts = (rows["slot"] != rows["slot"].shift()) | (rows["same"] != rows["same"].shift())
    rows["run"] = starts.cumsum()
    first, last = rows.groupby("run")["valid_from"].first(), rows.groupby("run")["confirmed"].max()
    kept = rows.sort_values(["run", "rank", "arrived_at", "valid_from"], kind="stable").drop_duplicates("run")
    kept = kept.reset_index(drop=True)
    kept["valid_from"], kept["confirmed"] = first.to_numpy(), last.to_numpy()
    follows = kept["slot"] == kept["slot"].shift(-1)
    kept["valid_until"] = kept["valid_from"].shift(-1).where(follows)
    kept["attributes"] = _inherited(kept)
    return kept[list(COLUMNS)]


def _inherited(rows: pd.DataFrame) -> pd.Series:
    """Attributes of the key's nearest record, where a record (often one that withdraws) gives none itself."""
    given = rows["attributes"].where(rows["attributes"] != "{}")
    given = given.groupby(rows["slot"]).ffill()
    return given.groupby(rows["slot"]).bfill().fillna("{}")


def _changes(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """The standing rows that say something else than those before."""
    old, now = latest_rows(before), latest_rows(after)
    old = pd.DataFrame({"slot": _slots(old), "was": _same(old), "previous": old["value"]})
    now = now.assign(slot=_slots(now), same=_same(now)).merge(old, on="slot", how="left")
    unknown, ended = now["was"].isna(), now["was"] == _WITHDRAWN
    now["change"] = "changed"
    now.loc[now["withdrawn"], "change"] = "withdrawn"
    now.loc[ended, "change"] = "revived"
    now.loc[unknown, "change"] = "new"
    tells = (unknown & ~now["withdrawn"]) | (~unknown & (now["same"] != now["was"]))
    now = now[tells].sort_values(["key", "id"], kind="stable", ignore_index=True)
    return now[[*COLUMNS, "change", "previous"]]
