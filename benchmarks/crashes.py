"""Measures recovery: kill a process at each named crash point, run the same flow again, check the invariants.

python -m benchmarks.crashes --out results/crashes
python -m benchmarks.crashes --out results/crashes --only promoter.,store.cached

It runs an installation of its own with a tiny model and real Prefect, MLflow, DVC and git. Each point starts from a
state prepared once. Results are saved in --out and not measured again: after a change, use another folder.
"""

import argparse
import json
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.crash_cases import CASES, all_points, case_of, recover
from benchmarks.crash_installation import CrashInstallation, running_installation
from benchmarks.tables import markdown_table
from benchmarks.temporary_folder import own_temporary_folder

HEAD = ("point", "killed", "rerun ended with", "repaired by the sweep", "invariants")


def try_point(installation: CrashInstallation, point: str, digest: str) -> dict[str, str]:
    """One row of the table.

    Args:
        digest: of the second version without a kill.
    """
    case = case_of(point)
    installation.restore(case.state)
    case.setup(installation)
    code, message = installation.run(case.flow, crash_at=point)
    killed = f"{case.flow}" if code == -signal.SIGKILL else f"a stage of {case.flow}"
    reached = installation.mark.exists()
    again, repaired = recover(installation, case.flow)
    found = case.check(installation, digest) if reached else [f"not reached: {message}"]
    return {
        "point": point,
        "killed": killed if reached else "nothing",
        "rerun ended with": again,
        "repaired by the sweep": "; ".join(repaired) or "nothing",
        "invariants": "; ".join(found) or "hold",
    }


def run(points: Sequence[str], out: Path) -> list[dict[str, str]]:
    """Try the points that `out` has no result of; return all saved rows in the order of the cases."""
    out.mkdir(parents=True, exist_ok=True)
    saved = out / "crashes.json"
    rows = json.loads(saved.read_text()) if saved.exists() else {}
    missing = [point for point in points if point not in rows]
    if missing:
        with own_temporary_folder("crashes") as folder, running_installation(folder) as installation:
            started = time.perf_counter()
            digest = installation.prepare()
            print(f"prepared in {time.perf_counter() - started:.0f} s", flush=True)
            for point in missing:
                started = time.perf_counter()
                rows[point] = try_point(installation, point, digest)
                saved.write_text(json.dumps(rows, indent=1) + "\n")
                spent = time.perf_counter() - started
                print(f"{point}: {rows[point]['invariants']} ({spent:.0f} s)", flush=True)
    return [rows[point] for point in all_points() if point in rows]


def crash_table(rows: Sequence[dict[str, str]]) -> str:
    """One row per point, and the number of points and faults."""
    failed = sum(row["invariants"] != "hold" for row in rows)
    shown = markdown_table(HEAD, [[row[name] for name in HEAD] for row in rows])
    return f"{shown}\n\n{len(rows)} points, {failed} with a fault"


def main() -> None:
    """Try the points and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="only points that begin with these, such as promoter.,store.cached")
    options = parser.parse_args()
    only = tuple(options.only.split(","))
    rows = run([name for case in CASES for name in case.points if name.startswith(only)], options.out)
    shown = crash_table(rows)
    (options.out / "table.md").write_text(shown + "\n")
    print(shown)
    if any(row["invariants"] != "hold" for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
