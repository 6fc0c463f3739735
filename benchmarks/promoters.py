"""Promoters at once, killed between any two steps: is there one champion after the sweep, nothing lost or doubled?

python -m benchmarks.promoters --out results/promoters
python -m benchmarks.promoters --out results/promoters --database postgresql
python -m benchmarks.promoters --out results/promoters --quick
python -m benchmarks.promoters --out results/promoters --rounds 250 --seed 18   # beside others; the table adds them up

Each round two new versions, judged against the champion of that moment, and some older ones are wanted by 16 processes
at once: promoted, promoted by force, taken back, swept. Half of the processes are to die, in every fourth round nearly
all of them, by SIGKILL at a named crash point or at a random moment; in every seventh somebody moves an alias by hand.
Then the sweep, which may be killed too and is then run again, and the checks of `benchmarks.rivals`. The registry is a
real MLflow server; ledger and registry both lie on the database asked for.
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
from abreast.lifecycle.promoter import promote, reconcile_promotions
from abreast.tracking.registry import Registry
from benchmarks.crowd import Crowd, PromoterOrder, PromoterResult
from benchmarks.place import own_place
from benchmarks.rivals import Rivals
from benchmarks.table import as_markdown
from tests.mlflow_server import running_mlflow
from tests.postgres_server import new_database, running_postgres

PROMOTERS, ROUNDS, QUICK_ROUNDS = 16, 500, 20
STEPS = ("leased", "intended", "checked", "kept", "champion", "previous", "done", "reverted", "aligned", "returned")
POINTS = tuple(f"promoter.{step}" for step in STEPS)
FIRST = 2.0  # seconds within which the first crowd's random moments lie


class Stress:
    """Rounds of a crowd on one line; what happened is counted."""

    def __init__(self, rivals: Rivals, crowd: Crowd, promoters: int, seed: int):
        self.rivals, self.crowd, self.promoters = rivals, crowd, promoters
        self.chance = random.Random(seed)
        self.counts, self.kills, self.violations = Counter(), Counter(), []
        self._old: list[int] = []
        self._lasts = FIRST  # as long as the crowd before: else all would have ended before most random moments
        self._last = rivals.ledger.promotions.last(rivals.line).id

    def round(self, number: int) -> None:
        """One crowd, its sweep, all checks; in every tenth round one of the new versions has wrong files."""
        fresh = [self.rivals.register(damaged=number % 10 == 5), self.rivals.register()]
        wishes, began = self._wishes(number, fresh), time.monotonic()
        results = self.crowd.fulfil(wishes)
        self._lasts = time.monotonic() - began
        if number % 7 == 0:
            self.rivals.registry.set_alias(self.chance.choice(["champion", "previous"]), fresh[1])
        results += self._swept(number)
        self._count(results)
        self.violations += [f"round {number}: {fault}" for fault in self.rivals.faults(results, self._last)]
        self._old = (self._old + fresh)[-6:]
        log = self.rivals.ledger.promotions.all(self.rivals.line)
        self._last = log[-1].id if log else 0
        self.counts = self.counts | Counter(_of_log(log)) | Counter(rounds=number)

    def _wishes(self, number: int, fresh: Sequence[int]) -> list[PromoterOrder]:
        """Most want one of the new versions, in every fifth round the way back; the others one by force, a sweep."""
        wants = [("sweep", None, False), ("promote", fresh[1], True), ("rollback", None, False)]
        older = ("promote", self.chance.choice([*fresh, *self._old]), True)
        wants.append(self.chance.choice([*wants, older]))
        most = [("rollback", None, False)] * 2 if number % 5 == 0 else [("promote", one, False) for one in fresh]
        wants += [most[n % 2] for n in range(self.promoters - len(wants))]
        self.chance.shuffle(wants)
        doomed = 0.95 if number % 4 == 0 else 0.5
        return [self._mortal(f"r{number}.p{n}", *want, doomed=doomed) for n, want in enumerate(wants)]

    def _mortal(self, actor: str, verb: str, version: int | None, forced: bool, doomed: float = 0.5) -> PromoterOrder:
        """Of those that are doomed one half is to die at a named point, the other at a random moment."""
        fate = self.chance.random()
        at = self.chance.choice(POINTS) if fate < doomed / 2 else None
        after = self.chance.uniform(0.0, self._lasts) if doomed / 2 <= fate < doomed else None
        return PromoterOrder(actor, verb, version, forced, dies_at=at, dies_after=after)

    def _swept(self, number: int) -> list[PromoterResult]:
        """The sweep after the crowd, until one is not killed."""
        results = [*self.crowd.fulfil([self._mortal(f"r{number}.s0", "sweep", None, False)])]
        while results[-1].outcome == "killed":
            results += self.crowd.fulfil([PromoterOrder(f"r{number}.s{len(results)}", "sweep")])
        return results

    def _count(self, results: Sequence[PromoterResult]) -> None:
        self.kills.update(one.killed_at for one in results if one.outcome == "killed")
        self.counts["refused"] += sum(one.outcome == "refused" for one in results)
        sweeps = [one for one in results if one.wish.verb == "sweep" and one.outcome == "done"]
        self.counts["sweeps"] += len(sweeps)
        self.counts["sweeps that mended"] += sum(bool(one.lines) for one in sweeps)


def _of_log(log: Sequence) -> dict[str, int]:
    done = Counter(row.kind for row in log if row.state == "done")
    return {
        "promotions": done["promote"],
        "rollbacks": done["rollback"],
        "reverted": sum(row.state == "reverted" for row in log),
    }


def stressed(
    uri: str, ledger_url: str, folder: Path, rounds: int, promoters: int, seed: int, tell: Callable[[int, Stress], None]
) -> Stress:
    """So many rounds on a new line, named as the folder is.

    Args:
        tell: called after each round with its number.
    """
    rivals = Rivals(open_ledger(ledger_url, folder), Registry(uri, folder.name), folder, uri)
    for _ in range(2):
        promote(rivals.ledger, rivals.registry, rivals.register(), "two serve before the first round", "stress")
    reconcile_promotions(rivals.ledger, rivals.registry)
    crowd = Crowd(promoters, rivals.ledger, rivals.registry)
    try:
        stress = Stress(rivals, crowd, promoters, seed)
        for number in range(1, rounds + 1):
            stress.round(number)
            tell(number, stress)
        return stress
    finally:
        crowd.close()


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[tuple[str, str | None]]:
    """The URL of a new ledger, and of MLflow's store (None for its SQLite file)."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/ledger.db", None
        return
    with running_postgres() as server:
        yield new_database(server), new_database(server).replace("postgresql://", "postgresql+psycopg://")


def measured(kind: str, rounds: int, seed: int, keep: Callable[[dict], None]) -> None:
    """Run it; `keep` is given the figures after every tenth round and after the last."""

    def tell(number: int, stress: Stress) -> None:
        if number % 10 == 0 or number == rounds:
            seconds = round(time.perf_counter() - started)
            found = dict(stress.counts) | {"kills": dict(stress.kills), "violations": stress.violations}
            keep({"database": kind, "seed": seed, "seconds": seconds, **found})
            print(f"{number} rounds, {seconds} s, {len(stress.violations)} violations", flush=True)

    with (
        own_place("promoters") as place,
        databases(kind, place) as (ledger, store),
        running_mlflow(place, store) as uri,
    ):
        started = time.perf_counter()
        stressed(uri, ledger, place, rounds, PROMOTERS, seed, tell)


DATABASES = ("sqlite", "postgresql")
COUNTED = ("rounds", "promotions", "rollbacks", "reverted", "refused", "sweeps", "sweeps that mended", "seconds")
HEAD = ("database", "runs", "rounds", "killed", *COUNTED[1:], "violations")


def table(found: Sequence[dict]) -> str:
    """A row a database, all seeds together, and the kills by point."""
    found = [_together([one for one in found if one["database"] == kind]) for kind in DATABASES if kind in _of(found)]
    rows = [{**one, "killed": sum(one["kills"].values()), "violations": len(one["violations"])} for one in found]
    whole = as_markdown(HEAD, [[str(row.get(name, 0)) for name in HEAD] for row in rows])
    where = sorted({point for one in found for point in one["kills"]})
    kills = [[point, *(str(one["kills"].get(point, 0)) for one in found)] for point in where]
    said = [f"- {one['database']}: {violation}" for one in found for violation in one["violations"]]
    return "\n\n".join([whole, as_markdown(("killed at", *(one["database"] for one in found)), kills), *said])


def _of(found: Sequence[dict]) -> set[str]:
    return {one["database"] for one in found}


def _together(found: Sequence[dict]) -> dict:
    """The figures of several seeds as one."""
    counts = sum((Counter({name: one.get(name, 0) for name in COUNTED}) for one in found), Counter())
    kills = sum((Counter(one["kills"]) for one in found), Counter())
    said = [violation for one in found for violation in one["violations"]]
    return {"database": found[0]["database"], "runs": len(found), **counts, "kills": kills, "violations": said}


def main() -> None:
    """Run one database, keep its figures, and print the table of all that are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    kept = asked.out / f"{asked.database}-{asked.seed}.json"

    def keep(found: dict) -> None:
        kept.write_text(json.dumps(found, indent=1) + "\n")

    measured(asked.database, QUICK_ROUNDS if asked.quick else asked.rounds, asked.seed, keep)
    shown = table([json.loads(path.read_text()) for path in sorted(asked.out.glob("*.json"))])
    (asked.out / "table.md").write_text(shown + "\n")
    print(shown)
    if json.loads(kept.read_text())["violations"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
