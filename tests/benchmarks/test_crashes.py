import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.crash_cases import ELSEWHERE, all_points, case_of
from benchmarks.crashes import crash_table, run
from tests.installation import SOURCE

POINT = re.compile(r'(?:\bcrash_point\(|\bcrash_(?:before|after)=)"([\w.]+)"')


def points_in_code() -> Counter[str]:
    """Every named crash point, and how often its name is used."""
    files = [file for part in ("abreast", "tasks", "flows") for file in (SOURCE / part).rglob("*.py")]
    return Counter(name for file in files for name in POINT.findall(file.read_text()))


def test_every_crash_point_of_the_code_is_tried_and_has_a_name_of_its_own():
    points = points_in_code()
    assert set(points.values()) == {1}
    assert len(all_points()) == len(set(all_points())) >= 40
    assert set(all_points()) == {name for name in points if not name.startswith(tuple(ELSEWHERE))}


@pytest.mark.parametrize("prefix", ELSEWHERE)
def test_points_that_other_tests_try_are_named_there(prefix: str):
    (file,) = re.findall(r"tests/\S+\.py", ELSEWHERE[prefix])
    elsewhere = [name for name in points_in_code() if name.startswith(prefix)]
    assert elsewhere
    assert all(f'"{name}"' in (SOURCE / file).read_text() for name in elsewhere)


def test_saved_results_are_shown_in_the_order_of_the_cases(tmp_path: Path):
    held = {
        "killed": "intake",
        "rerun ended with": "Completed",
        "repaired by the sweep": "nothing",
        "invariants": "hold",
    }
    kept = {name: {"point": name, **held} for name in ("store.cached", "intake.fetched")}
    kept["store.cached"]["invariants"] = "the kept drop is another"
    (tmp_path / "crashes.json").write_text(json.dumps(kept))
    rows = run(["store.cached"], tmp_path)
    assert [row["point"] for row in rows] == ["intake.fetched", "store.cached"]
    assert crash_table(rows).endswith("2 points, 1 with a fault")


@pytest.mark.slow
@pytest.mark.server
def test_killed_in_intake_a_stage_the_registry_and_the_promoter_the_next_run_converges(tmp_path: Path):
    points = ["store.cached", "checkpoint.written", "record.model_files", "promoter.champion"]
    assert len({case_of(name).points for name in points}) == 3
    command = [sys.executable, "-m", "benchmarks.crashes", "--out", str(tmp_path), "--only", ",".join(points)]
    done = subprocess.run(command, cwd=SOURCE, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 points, 0 with a fault" in done.stdout
