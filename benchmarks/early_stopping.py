"""Measures sequential against full evaluation: how often the verdict is the same, with how many questions.

python -m benchmarks.early_stopping                                    # simulated pairs of models, a minute or two
python -m benchmarks.early_stopping --answers results/early/banking77  # reports saved by benchmarks.record_reports

Recorded pairs are a candidate and its champion, a candidate and the untrained base in the champion's place, and two
candidates with the same questions. Any folder with reports of the stage `evaluate` will do.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from abreast.core import stage
from abreast.core.errors import AbreastError
from abreast.core.settings import GATES, EarlyStopping, Gate
from abreast.evaluation.early_stopping import ask_until_settled
from abreast.gates.judge import judge
from abreast.reports.answers import ANSWERS, QuestionResult
from abreast.reports.metrics import EvaluationMetrics, ModelMetrics
from abreast.reports.reports import Reports, read_reports
from benchmarks.tables import format_percent, markdown_table

POOLS = ((60, 60), (120, 120), (200, 300), (400, 600), (1000, 2000))
"""Numbers of questions on new and on old records."""
SIZES = (200, 500)
"""Recorded pairs are grouped by their number of questions."""
EVERY = ("fail", "inconclusive", "pass")
HEAD = ("questions", "full verdict", "pairs", "same, fails", "asked, fails", "same, all", "asked, all")


class SimulatedPair(NamedTuple):
    """The probabilities of a pair's answers: `right` and `known` on new records, `won` and `lost` on old ones."""

    right: float
    known: float
    won: float
    lost: float


class ReplayResult(NamedTuple):
    """One pair of models: the verdict on all questions, and for each stopping rule the verdict and the share asked."""

    pool: str
    full: str
    verdicts: tuple[str, ...]
    asked: tuple[float, ...]


def replay_pair(
    name: str, reports: Reports, knobs: Sequence[EarlyStopping], batch: int, gates: Sequence[Gate] = GATES
) -> ReplayResult:
    """Replay recorded answers in blocks, and stop as the rule says."""
    models = [who for who in ("base", "champion", "candidate") if reports.metrics.of(who)]

    def ask(answers: list[int], texts: list[int]) -> Reports:
        chosen = {
            "answers": tuple(reports.answers[n] for n in answers),
            "texts": tuple(reports.texts[n] for n in texts),
        }
        return Reports(metrics=reports.metrics, **chosen)

    verdicts, shares = [], []
    for early in knobs:
        asked = ask_until_settled(reports, gates, models, early, batch, ask)
        held = ask(asked.answers, asked.texts)
        verdicts.append(judge(held.model_copy(update={"stopped": asked.stopped}), gates).verdict)
        shares.append((len(asked.answers) + len(asked.texts)) / (len(reports.answers) + len(reports.texts)))
    return ReplayResult(name, judge(reports, gates).verdict, tuple(verdicts), tuple(shares))


def draw_models(random: np.random.Generator, number: int) -> SimulatedPair:
    """In every four: two good updates, one that has learned too little, one that has forgotten."""
    noise, loss = random.exponential(0.003, size=2)
    good = 1 - random.beta(2, 80)
    match number % 4:
        case 0 | 1:
            return SimulatedPair(good, random.uniform(0, 0.2), noise, loss)
        case 2:
            return SimulatedPair(random.uniform(0.4, 0.88), random.uniform(0, 0.1), noise, random.uniform(0, 0.1))
        case _:
            return SimulatedPair(good, random.uniform(0, 0.1), noise, random.uniform(0.1, 0.4))


def simulated_reports(random: np.random.Generator, number: int, new: int, old: int, domains: int) -> Reports:
    """Simulated reports: one question per key, every fifth old one with a superseded value."""
    models = draw_models(random, number)
    both = random.random((new, 2)) < np.array([models.right, models.known])
    kinds = random.choice(3, size=old, p=[models.won, models.lost, 1 - models.won - models.lost])
    answers = [_outcome(f"new {n}", "current", *map(bool, row)) for n, row in enumerate(both)]
    for n, kind in enumerate(kinds):
        outdated = {"champion": False, "candidate": bool(random.random() < 0.01)} if n % 5 == 0 else None
        answers.append(_outcome(f"old {n}", "retained", kind != 1, kind != 0, f"d{n % domains}", outdated))
    figures = ModelMetrics(general_perplexity=1.0)
    metrics = EvaluationMetrics(base=figures, champion=figures, candidate=figures)
    return Reports(metrics=metrics, answers=tuple(answers))


def _outcome(
    key: str, scope: str, mine: bool, theirs: bool, domain: str = "", outdated: dict[str, bool] | None = None
) -> QuestionResult:
    right = {"base": False, "champion": theirs, "candidate": mine}
    return QuestionResult(
        key=key, kind="fact", domain=domain, source="", drop="", scope=scope, right=right, outdated=outdated
    )


def recorded_reports(folders: Sequence[Path]) -> Iterator[Reports]:
    """The pairs of models that the reports hold.

    Raises:
        AbreastError: there are none.
    """
    found = [read_reports(path.parent) for folder in folders for path in sorted(folder.rglob(ANSWERS))]
    if not found:
        raise AbreastError(
            f"--answers: no {ANSWERS} in {', '.join(map(str, folders))}; make some with benchmarks.record_reports"
        )
    same: dict[tuple, list[Reports]] = {}
    for reports in found:
        if reports.metrics.champion:
            yield reports
        if reports.metrics.base:
            yield _against(reports, reports, "base")
        same.setdefault(tuple((one.key, one.scope, one.drop) for one in reports.answers), []).append(reports)
    for held in same.values():
        yield from (_against(first, second, "candidate") for first, second in permutations(held, 2))


def _against(reports: Reports, other: Reports, who: str) -> Reports:
    """The reports with another model in the champion's place."""

    def put(mine: dict | None, theirs: dict | None) -> dict | None:
        return None if mine is None or theirs is None else mine | {"champion": theirs[who]}

    answers = tuple(
        one.model_copy(update={"correct": put(one.correct, two.correct), "outdated": put(one.outdated, two.outdated)})
        for one, two in zip(reports.answers, other.answers, strict=True)
    )
    texts = tuple(
        one.model_copy(update={"means": put(one.means, two.means)})
        for one, two in zip(reports.texts, other.texts, strict=True)
    )
    metrics = reports.metrics.model_copy(update={"champion": other.metrics.of(who)})
    return Reports(metrics=metrics, answers=answers, texts=texts)


def replay_rows(replays: Sequence[ReplayResult]) -> list[list[str]]:
    """One row per pool and verdict on all questions."""
    rows = []
    for pool in dict.fromkeys(one.pool for one in replays):
        of_pool = [one for one in replays if one.pool == pool]
        for full in (*EVERY, "all"):
            if held := [one for one in of_pool if full in (one.full, "all")]:
                cells = []
                for way in range(2):
                    cells.append(format_percent(np.mean([one.verdicts[way] == one.full for one in held])))
                    cells.append(format_percent(np.median([one.asked[way] for one in held])))
                rows.append([pool, full, str(len(held)), *cells])
    return rows


def pool_name(reports: Reports) -> str:
    """The name of a pool of recorded questions, by its size."""
    count = len(reports.answers) + len(reports.texts)
    return next((f"to {most}" for most in SIZES if count <= most), f"more than {SIZES[-1]}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay and print; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, nargs="+", help="folders that hold answers.jsonl (default: simulate)")
    parser.add_argument("--pairs", type=int, default=240, help="simulated pairs of each pool")
    parser.add_argument("--pools", type=int, default=len(POOLS), help="use only this many pools, the smallest first")
    parser.add_argument("--domains", type=int, default=1, help="simulated domains of old records")
    parser.add_argument("--batch", type=int, default=32, help="questions between two checks")
    parser.add_argument("--error", type=float, default=0.05)
    asked = parser.parse_args(arguments)
    knobs = [EarlyStopping(verdicts=stop, error_rate=asked.error) for stop in (("fail",), EVERY)]
    if asked.answers:
        found = [replay_pair(pool_name(one), one, knobs, asked.batch) for one in recorded_reports(asked.answers)]
        what = "Recorded pairs of models"
    else:
        random = np.random.default_rng(17)
        found = [
            replay_pair(
                f"{new} + {old}", simulated_reports(random, number, new, old, asked.domains), knobs, asked.batch
            )
            for new, old in POOLS[: asked.pools]
            for number in range(asked.pairs)
        ]
        what = f"Simulated pairs of models, old records in {asked.domains} domains"
    rows = replay_rows(found)
    if len({row[0] for row in rows}) > 1:
        rows += replay_rows([one._replace(pool="any") for one in found])
    print(f"\n## {what}, a check after every {asked.batch}, stated error {asked.error:.0%}\n")
    print(markdown_table(HEAD, rows))


if __name__ == "__main__":
    stage.run(main)
