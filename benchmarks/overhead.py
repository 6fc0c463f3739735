"""Measures what an update costs beyond training and evaluation, and what a run with nothing new costs, on real servers.

python -m benchmarks.overhead --rounds 3
"""

import argparse
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx

from abreast.core.waiting import wait_until
from abreast.services.prefect_api import FINAL_STATES, PrefectApi
from tests.flows.drops import rows, write
from tests.installation import Installation

WORK = ("train", "evaluate")
KNOBS = {
    "train": {"epochs": 1},
    "gates": [{"name": "current_exact_match", "measure": "accuracy", "scope": "current", "at_least": 0.0}],
}


class PrefectRuns:
    """Prefect's REST API, for the times of runs."""

    def __init__(self, url: str):
        self.url = url

    def query(self, path: str, body: dict) -> list[dict]:
        return httpx.post(f"{self.url}{path}", json=body, timeout=30).json()

    def last(self, flow: str) -> dict:
        """The newest finished run of a flow."""
        found = self.query(
            "/flow_runs/filter",
            {
                "flows": {"name": {"any_": [flow]}},
                "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
                "sort": "START_TIME_DESC",
                "limit": 1,
            },
        )
        return found[0]

    def tasks(self, run: str) -> list[dict]:
        return self.query("/task_runs/filter", {"flow_runs": {"id": {"any_": [run]}}, "limit": 100})


def timestamp(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def measure_update(installation: Installation, api: PrefectRuns, number: int, folder: Path) -> dict[str, float]:
    """Seconds of one update from the request to its end, by part."""
    drop = write(folder / f"round-{number}.jsonl", rows({f"Round{number}": f"w{number}"}, "2024-01-01"))
    installation.abreast("drop", str(drop), "--wait")
    run = api.last("update")
    spent = {task["name"].rsplit("-", 1)[0]: task["total_run_time"] for task in api.tasks(run["id"])}
    asked, started = timestamp(run["created"]), timestamp(run["start_time"])
    total = timestamp(run["end_time"]) - asked
    parts = {"poll and start of the process": started - asked} | {k: v for k, v in spent.items() if k not in WORK}
    parts["flow engine, and between tasks"] = timestamp(run["end_time"]) - started - sum(spent.values())
    return {"whole update": total, "train and evaluate": sum(spent[w] for w in WORK), **parts}


def measure_nothing_new(installation: Installation, api: PrefectRuns) -> tuple[float, float]:
    """Seconds with nothing to learn: of a run of the deployment from request to end, and of `abreast update`."""
    prefect = PrefectApi(api.url)
    run = prefect.start("update/update")
    wait_until(lambda: prefect.state(run)["type"] in FINAL_STATES, pause=0.2)
    last, started = api.last("update"), time.perf_counter()
    installation.abreast("update")
    return timestamp(last["end_time"]) - timestamp(last["created"]), time.perf_counter() - started


def overhead_table(rounds: list[dict[str, float]], idle: list[tuple[float, float]]) -> str:
    """The median of each part, and its share of the whole."""
    whole = statistics.median(r["whole update"] for r in rounds)
    lines = ["| part | median s | share of the update |", "|---|---|---|"]
    for part in rounds[-1]:
        median = statistics.median(r.get(part, 0.0) for r in rounds)
        lines.append(f"| {part} | {median:.2f} | {100 * median / whole:.0f} % |")
    overhead = statistics.median(r["whole update"] - r["train and evaluate"] for r in rounds)
    lines.append(
        f"| **overhead: whole update without train and evaluate** | {overhead:.2f} | {100 * overhead / whole:.0f} % |"
    )
    for number, what in enumerate(("a run of the deployment with nothing new", "`abreast update` with nothing new")):
        lines.append(f"| {what} | {statistics.median(one[number] for one in idle):.2f} | – |")
    return "\n".join(lines)


def main() -> None:
    """Start a new installation, run updates in it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="abreast-overhead-") as folder:
        root = Path(folder) / "installation"
        root.mkdir()
        installation = Installation(root, KNOBS)
        installation.abreast("up")
        try:
            api = PrefectRuns(f"http://127.0.0.1:{installation.port}/api")
            first = measure_update(installation, api, 0, Path(folder))
            print(f"first update, not counted: {first['whole update']:.1f} s", flush=True)
            done = []
            for number in range(1, asked.rounds + 1):
                done.append(measure_update(installation, api, number, Path(folder)))
                print(f"round {number}: {done[-1]['whole update']:.1f} s", flush=True)
            idle = [measure_nothing_new(installation, api) for _ in range(asked.rounds)]
            print(overhead_table(done, idle))
        finally:
            installation.abreast("down")


if __name__ == "__main__":
    main()
