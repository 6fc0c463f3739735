"""Measures whether concurrent promoters, killed between any two steps, leave one champion and lose or repeat nothing.

python -m benchmarks.promoters --out results/promoters
python -m benchmarks.promoters --out results/promoters --database postgresql
python -m benchmarks.promoters --out results/promoters --quick
python -m benchmarks.promoters --out results/promoters --rounds 250 --seed 18   # several seeds share one table

In each round 16 processes promote two new versions, promote by force, roll back and sweep, all at once. Half of the
processes, in every fourth round nearly all, die by SIGKILL at a named crash point or at a random moment; in every
seventh round an alias is moved by hand. Then the sweep runs (it may be killed too and is repeated), and
`benchmarks.promotion_checks` looks for violations. The registry is a real MLflow server; ledger and registry both use
the chosen database.
"""

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from abreast.ledger import open_ledger
from abreast.lifecycle.promoter import promote_version, reconcile_promotions
from abreast.tracking.registry import Registry
from benchmarks.promoter_processes import PromoterProcesses, PromoterResult, PromoterTask
from benchmarks.promotion_checks import PromotionLine
from benchmarks.tables import markdown_table
from benchmarks.temporary_folder import own_temporary_folder
from tests.mlflow_server import running_mlflow
from tests.postgres_server import new_database, running_postgres

PROMOTERS, ROUNDS, QUICK_ROUNDS = 16, 500, 20
STEPS = ("leased", "intended", "checked", "kept", "champion", "previous", "done", "reverted", "aligned", "returned")
POINTS = tuple(f"promoter.{step}" for step in STEPS)
FIRST = 2.0  # seconds within which the first round's random moments lie


class PromoterStress:
    """Rounds of concurrent promoters on one line, with counts of what happened."""

    def __init__(self, promotion_line: PromotionLine, processes: PromoterProcesses, promoters: int, seed: int):
        self.promotion_line, self.processes, self.promoters = promotion_line, processes, promoters
        self.chance = random.Random(seed)
        self.counts, self.kills, self.violations = Counter(), Counter(), []
        self._old: list[int] = []
        self._lasts = FIRST  # as long as the round before, or else most processes would end before their random moment
        self._last = promotion_line.ledger.promotions.last(promotion_line.line).id

    def round(self, number: int) -> None:
        """Run the tasks, the sweep and all checks; in every tenth round one of the new versions has wrong files."""
        fresh = [self.promotion_line.register(damaged=number % 10 == 5), self.promotion_line.register()]
        tasks, began = self._tasks(number, fresh), time.monotonic()
        results = self.processes.run_together(tasks)
        self._lasts = time.monotonic() - began
        if number % 7 == 0:
            self.promotion_line.registry.set_alias(self.chance.choice(["champion", "previous"]), fresh[1])
        results += self._sweep(number)
        self._count(results)
        self.violations += [f"round {number}: {fault}" for fault in self.promotion_line.violations(results, self._last)]
        self._old = (self._old + fresh)[-6:]
        log = self.promotion_line.ledger.promotions.all(self.promotion_line.line)
        self._last = log[-1].id if log else 0
        self.counts = self.counts | Counter(_of_log(log)) | Counter(rounds=number)

    def _tasks(self, number: int, fresh: Sequence[int]) -> list[PromoterTask]:
        """Most promote a new version, or roll back in every fifth round; the others promote by force or sweep."""
        wants = [("sweep", None, False), ("promote", fresh[1], True), ("rollback", None, False)]
        older = ("promote", self.chance.choice([*fresh, *self._old]), True)
        wants.append(self.chance.choice([*wants, older]))
        most = [("rollback", None, False)] * 2 if number % 5 == 0 else [("promote", one, False) for one in fresh]
        wants += [most[n % 2] for n in range(self.promoters - len(wants))]
        self.chance.shuffle(wants)
        doomed = 0.95 if number % 4 == 0 else 0.5
        return [self._mortal(f"r{number}.p{n}", *want, doomed=doomed) for n, want in enumerate(wants)]

    def _mortal(self, actor: str, verb: str, version: int | None, forced: bool, doomed: float = 0.5) -> PromoterTask:
        """A task that is killed with probability `doomed`: half at a named point, half at a random moment."""
        fate = self.chance.random()
        at = self.chance.choice(POINTS) if fate < doomed / 2 else None
        after = self.chance.uniform(0.0, self._lasts) if doomed / 2 <= fate < doomed else None
        return PromoterTask(actor, verb, version, forced, dies_at=at, dies_after=after)

    def _sweep(self, number: int) -> list[PromoterResult]:
        """Sweep until one sweep is not killed."""
        results = [*self.processes.run_together([self._mortal(f"r{number}.s0", "sweep", None, False)])]
        while results[-1].outcome == "killed":
            results += self.processes.run_together([PromoterTask(f"r{number}.s{len(results)}", "sweep")])
        return results

    def _count(self, results: Sequence[PromoterResult]) -> None:
        self.kills.update(one.killed_at for one in results if one.outcome == "killed")
        self.counts["refused"] += sum(one.outcome == "refused" for one in results)
        sweeps = [one for one in results if one.task.verb == "sweep" and one.outcome == "done"]
        self.counts["sweeps"] += len(sweeps)
        self.counts["sweeps that repaired"] += sum(bool(one.lines) for one in sweeps)


def _of_log(log: Sequence) -> dict[str, int]:
    done = Counter(row.kind for row in log if row.state == "done")
    return {
        "promotions": done["promote"],
        "rollbacks": done["rollback"],
        "reverted": sum(row.state == "reverted" for row in log),
    }


def run_rounds(
    uri: str,
    ledger_url: str,
    folder: Path,
    rounds: int,
    promoters: int,
    seed: int,
    on_round: Callable[[int, PromoterStress], None],
) -> PromoterStress:
    """Run the rounds on a new line with the folder's name.

    Args:
        on_round: called after each round with its number.
    """
    promotion_line = PromotionLine(open_ledger(ledger_url, folder), Registry(uri, folder.name), folder, uri)
    for _ in range(2):
        promote_version(
            promotion_line.ledger,
            promotion_line.registry,
            promotion_line.register(),
            "two serve before the first round",
            "stress",
        )
    reconcile_promotions(promotion_line.ledger, promotion_line.registry)
    processes = PromoterProcesses(promoters, promotion_line.ledger, promotion_line.registry)
    try:
        stress = PromoterStress(promotion_line, processes, promoters, seed)
        for number in range(1, rounds + 1):
            stress.round(number)
            on_round(number, stress)
        return stress
    finally:
        processes.close()


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[tuple[str, str | None]]:
    """The URL of a new ledger, and of MLflow's store (None for its SQLite file)."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/ledger.db", None
        return
    with running_postgres() as server:
        yield new_database(server), new_database(server).replace("postgresql://", "postgresql+psycopg://")


def run_database(kind: str, rounds: int, seed: int, save: Callable[[dict], None]) -> None:
    """Run one database; `save` gets the counts after every tenth round and after the last."""

    def on_round(number: int, stress: PromoterStress) -> None:
        if number % 10 == 0 or number == rounds:
            seconds = round(time.perf_counter() - started)
            found = dict(stress.counts) | {"kills": dict(stress.kills), "violations": stress.violations}
            save({"database": kind, "seed": seed, "seconds": seconds, **found})
            print(f"{number} rounds, {seconds} s, {len(stress.violations)} violations", flush=True)

    with (
        own_temporary_folder("promoters") as place,
        databases(kind, place) as (ledger, store),
        running_mlflow(place, store) as uri,
    ):
        started = time.perf_counter()
        run_rounds(uri, ledger, place, rounds, PROMOTERS, seed, on_round)


DATABASES = ("sqlite", "postgresql")
COUNTED = ("rounds", "promotions", "rollbacks", "reverted", "refused", "sweeps", "sweeps that repaired", "seconds")
HEAD = ("database", "runs", "rounds", "killed", *COUNTED[1:], "violations")


def promoter_table(found: Sequence[dict]) -> str:
    """One row per database, all seeds together, and the kills by point."""
    found = [
        _merge_seeds([one for one in found if one["database"] == kind]) for kind in DATABASES if kind in _of(found)
    ]
    rows = [{**one, "killed": sum(one["kills"].values()), "violations": len(one["violations"])} for one in found]
    whole = markdown_table(HEAD, [[str(row.get(name, 0)) for name in HEAD] for row in rows])
    where = sorted({point for one in found for point in one["kills"]})
    kills = [[point, *(str(one["kills"].get(point, 0)) for one in found)] for point in where]
    violations = [f"- {one['database']}: {violation}" for one in found for violation in one["violations"]]
    return "\n\n".join([whole, markdown_table(("killed at", *(one["database"] for one in found)), kills), *violations])


def _of(found: Sequence[dict]) -> set[str]:
    return {one["database"] for one in found}


def _merge_seeds(found: Sequence[dict]) -> dict:
    """Merge the counts of several seeds."""
    counts = sum((Counter({name: one.get(name, 0) for name in COUNTED}) for one in found), Counter())
    kills = sum((Counter(one["kills"]) for one in found), Counter())
    violations = [violation for one in found for violation in one["violations"]]
    return {"database": found[0]["database"], "runs": len(found), **counts, "kills": kills, "violations": violations}


def main() -> None:
    """Run one database, save its counts, and print the table of all saved runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    saved = options.out / f"{options.database}-{options.seed}.json"

    def save(found: dict) -> None:
        saved.write_text(json.dumps(found, indent=1) + "\n")

    run_database(options.database, QUICK_ROUNDS if options.quick else options.rounds, options.seed, save)
    shown = promoter_table([json.loads(path.read_text()) for path in sorted(options.out.glob("*.json"))])
    (options.out / "table.md").write_text(shown + "\n")
    print(shown)
    if json.loads(saved.read_text())["violations"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
