"""Every named crash point of the loop: a process is killed there once, the same flow runs again; what holds then?

python -m benchmarks.crashes --out results/crashes
python -m benchmarks.crashes --out results/crashes --only promoter.,store.cached

An installation of its own with a tiny model, real Prefect and MLflow servers, DVC and git. Each point is tried from a
state that was prepared once, so that only what comes after it is done again. What was found is kept in `--out` as it is
found and not tried again: after a change begin another folder.
"""

import argparse
import json
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.crash_scenes import SCENES, all_points, recover, scene_of
from benchmarks.crash_site import Site, running_site
from benchmarks.place import own_place
from benchmarks.table import as_markdown

HEAD = ("point", "killed", "rerun ended as", "the sweep mended", "invariants")


def tried(site: Site, point: str, digest: str) -> dict[str, str]:
    """One row of the table.

    Args:
        digest: of the second version, as it is without a kill.
    """
    scene = scene_of(point)
    site.put_back(scene.state)
    scene.lay(site)
    code, said = site.run(scene.flow, crash_at=point)
    killed = f"{scene.flow}" if code == -signal.SIGKILL else f"a stage of {scene.flow}"
    reached = site.mark.exists()
    again, mended = recover(site, scene.flow)
    found = scene.check(site, digest) if reached else [f"not reached: {said}"]
    return {
        "point": point,
        "killed": killed if reached else "nothing",
        "rerun ended as": again,
        "the sweep mended": "; ".join(mended) or "nothing",
        "invariants": "; ".join(found) or "hold",
    }


def run(points: Sequence[str], out: Path) -> list[dict[str, str]]:
    """Try what is not kept in `out` yet; all rows that are kept, in the order of the scenes."""
    out.mkdir(parents=True, exist_ok=True)
    kept = out / "crashes.json"
    rows = json.loads(kept.read_text()) if kept.exists() else {}
    missing = [point for point in points if point not in rows]
    if missing:
        with own_place("crashes") as folder, running_site(folder) as site:
            started = time.perf_counter()
            digest = site.prepare()
            print(f"prepared in {time.perf_counter() - started:.0f} s", flush=True)
            for point in missing:
                started = time.perf_counter()
                rows[point] = tried(site, point, digest)
                kept.write_text(json.dumps(rows, indent=1) + "\n")
                spent = time.perf_counter() - started
                print(f"{point}: {rows[point]['invariants']} ({spent:.0f} s)", flush=True)
    return [rows[point] for point in all_points() if point in rows]


def table(rows: Sequence[dict[str, str]]) -> str:
    """A row a point, and how many there are."""
    failed = sum(row["invariants"] != "hold" for row in rows)
    shown = as_markdown(HEAD, [[row[name] for name in HEAD] for row in rows])
    return f"{shown}\n\n{len(rows)} points, {failed} with a fault"


def main() -> None:
    """Try the points and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="beginnings of points, such as promoter.,store.cached")
    asked = parser.parse_args()
    only = tuple(asked.only.split(","))
    rows = run([name for scene in SCENES for name in scene.points if name.startswith(only)], asked.out)
    shown = table(rows)
    (asked.out / "table.md").write_text(shown + "\n")
    print(shown)
    if any(row["invariants"] != "hold" for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
