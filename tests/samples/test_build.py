import json
import subprocess
import sys
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.knowledge.drop import read_delivery
from abreast.knowledge.knowledge_base import apply_drops, known_values, superseded_values, valid_rows

SAMPLES = Path(__file__).parents[2] / "samples"
DROPS = SAMPLES / "drops"
GOOD = sorted(path.name for path in DROPS.glob("0*"))
BAD = ["bad-harmful", "bad-malformed", "bad-suspicious"]


def _run(*arguments: str) -> str:
    command = [sys.executable, str(SAMPLES / "build.py"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _stream(*names: str):
    base, changes = None, None
    for day, name in enumerate(names, start=1):
        base, changes = apply_drops(base, [read_delivery(DROPS / name, name, f"2025-07-{day:02d}T00:00:00Z")])
    return base, changes


def test_build_gives_the_committed_drops_byte_for_byte(tmp_path):
    _run("--out", str(tmp_path))
    assert _files(tmp_path) == _files(DROPS)


def test_help_has_an_example():
    assert "example: python samples/build.py" in _run("--help")


def test_there_are_five_quarters_and_three_bad_drops():
    assert len(GOOD) == 5
    assert sorted(path.name for path in DROPS.glob("bad-*")) == BAD


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {"new": 61}),
        (2, {"new": 2, "changed": 17}),
        (3, {"new": 2, "changed": 13, "withdrawn": 1}),
        (4, {"new": 2, "changed": 14}),
        (5, {"new": 2, "changed": 18}),
    ],
)
def test_every_row_of_a_later_drop_is_news(count, expected):
    _, changes = _stream(*GOOD[:count])
    assert changes["change"].value_counts().to_dict() == expected


def test_what_holds_at_the_end():
    base, _ = _stream(*GOOD)
    assert len(valid_rows(base)) == 68
    assert known_values(base)["python/3.12/latest"] == "3.12.9"
    assert known_values(base)["rust/1.77/latest"] is None
    assert superseded_values(base, ["python/3.12/latest"])["python/3.12/latest"] == [
        "3.12.2",
        "3.12.4",
        "3.12.6",
        "3.12.8",
    ]
    first, _ = _stream(GOOD[0])
    products = {json.loads(attributes)["product"] for attributes in first["attributes"]}
    assert len(products) >= 25


def test_harmful_drop_is_well_formed_and_all_new_and_contradicts_what_is_known():
    base, changes = _stream(GOOD[0], "bad-harmful")
    assert changes["change"].value_counts().to_dict() == {"new": 15}
    known = known_values(base)
    for row in changes.itertuples():
        assert row.value != known[row.key.removeprefix("mirror/")]


def test_suspicious_drop_changes_most_known_keys_to_one_value():
    for known in (GOOD[:1], GOOD):
        base, _ = _stream(*known)
        _, changes = _stream(*known, "bad-suspicious")
        assert (changes["value"] == "9.9.9").all()
        assert (changes["change"] == "changed").sum() > len(valid_rows(base)) * 0.8


def test_malformed_drop_is_no_clean_delivery():
    with pytest.raises(AbreastError, match=r"facts.jsonl: row 3"):
        read_delivery(DROPS / "bad-malformed", "bad", "2025-07-01T00:00:00Z")
