import json
from pathlib import Path

import pandas as pd
import pytest

from abreast.contract import validate
from abreast.core.errors import AbreastError
from abreast.knowledge.drop import DropInfo
from abreast.knowledge.knowledge_base import apply_drops, write_base
from abreast.knowledge.record import parse_record


def drop(number: int, as_of: str, values: dict[str, str | None]) -> tuple[DropInfo, list]:
    rows = [{"key": key, "value": value, "as_of": as_of} for key, value in values.items()]
    rows.append({"prompt": f"What is {number}?", "completion": str(number)})
    info = DropInfo(
        digest=f"{number:064x}",
        name=str(number),
        arrived_at=f"{as_of}T00:00:00Z",
        rows=len(rows),
        accepted=len(rows),
        quarantined=0,
        kinds={},
    )
    return info, [parse_record(row) for row in rows]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch):
    """A folder with a sound base of two drops, as `assemble` leaves it."""
    monkeypatch.chdir(tmp_path)
    first = drop(1, "2024-04-01", {f"k{n}": str(n) for n in range(6)})
    second = drop(2, "2024-07-01", {"k0": "new", "k1": None, "k9": "9"})
    base, _ = apply_drops(None, [first])
    base, changes = apply_drops(base, [second])
    write_base(validate.KNOWLEDGE, base)
    write_base(validate.CHANGES, changes)
    return base


def report() -> dict:
    return json.loads(validate.REPORT.read_text())


def test_a_sound_base_passes(stage):
    validate.main()
    assert report() == {"rows": len(stage), "expectations": 8, "breaches": [], "unknown_changes": 0}


def test_an_empty_base_passes(stage):
    write_base(validate.KNOWLEDGE, stage.head(0))
    write_base(validate.CHANGES, stage.head(0))
    validate.main()


def second_open_row(base: pd.DataFrame) -> pd.DataFrame:
    base.loc[(base["key"] == "k0") & base["valid_until"].notna(), "valid_until"] = None
    return base


def ends_early(base: pd.DataFrame) -> pd.DataFrame:
    base.loc[(base["key"] == "k0") & base["valid_until"].notna(), "valid_until"] = "2020-01-01"
    return base


def ends_late(base: pd.DataFrame) -> pd.DataFrame:
    base.loc[(base["key"] == "k0") & base["valid_until"].notna(), "valid_until"] = "2024-12-01"
    return base


def withdrawn_with_value(base: pd.DataFrame) -> pd.DataFrame:
    base.loc[base["key"] == "k4", "withdrawn"] = True
    return base


def no_key(base: pd.DataFrame) -> pd.DataFrame:
    base.loc[base["key"] == "k4", "key"] = None
    return base


def twice(base: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([base, base[base["key"] == "k3"]], ignore_index=True)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (second_open_row, "expect_column_values_to_be_in_set is not met: .* exactly one current row: keys k0"),
        (ends_early, "end before they begin: keys k0"),
        (ends_late, "still hold when the next row of their key begins: keys k0"),
        (withdrawn_with_value, "neither value nor withdrawal, or both: keys k4"),
        (no_key, "rows are facts without a key"),
        (twice, "exactly one current row: keys k3"),
    ],
)
def test_a_harmed_base_is_refused_by_name_and_key(stage, harm, message):
    write_base(validate.KNOWLEDGE, harm(stage))
    with pytest.raises(AbreastError, match=message):
        validate.main()
    assert report()["breaches"]


def test_changes_that_are_not_in_the_base_are_refused(stage):
    changes = stage[stage["key"] == "k3"].assign(value="other", change="new", previous=None)
    write_base(validate.CHANGES, changes)
    with pytest.raises(AbreastError, match="changes.parquet: 1 rows differ from the current rows of .*: k3"):
        validate.main()
