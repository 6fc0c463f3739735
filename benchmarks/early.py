"""Sequential against full evaluation: the same verdict, and how many questions? No model is run.

python -m benchmarks.early                                       # simulated pairs of models, a minute or two
python -m benchmarks.early --answers results/early/banking77     # real ones, as benchmarks.record keeps them

Real are the pairs of a candidate and its champion, of a candidate and the untrained base in the champion's place, and
of two candidates that were asked the same questions. Any folder with reports of the stage `evaluate` will do.
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
from abreast.evaluation.early import ask_until_settled
from abreast.gates.judge import judge
from abreast.reports.answers import ANSWERS, QuestionResult
from abreast.reports.metrics import EvaluationMetrics, ModelMetrics
from abreast.reports.reports import Reports, read_reports
from benchmarks.table import as_markdown, percent

POOLS = ((60, 60), (120, 120), (200, 300), (400, 600), (1000, 2000))
"""Questions on what is new and on what was known."""
SIZES = (200, 500)
"""Real pairs are told apart by their number of questions."""
EVERY = ("fail", "inconclusive", "pass")
HEAD = ("questions", "full verdict", "pairs", "same, fails", "asked, fails", "same, all", "asked, all")


class Models(NamedTuple):
    """What a pair of models is like: the chances of answers on what is new and on what was known."""

    right: float
    known: float
    won: float
    lost: float


class Replay(NamedTuple):
    """One pair of models: the verdict on all questions, and of each way to stop the verdict and the share asked."""

    pool: str
    full: str
    verdicts: tuple[str, ...]
    asked: tuple[float, ...]


def replay(
    name: str, reports: Reports, knobs: Sequence[EarlyStopping], batch: int, gates: Sequence[Gate] = GATES
) -> Replay:
    """Ask again, in blocks, what was answered."""
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
    return Replay(name, judge(reports, gates).verdict, tuple(verdicts), tuple(shares))


def draw_models(random: np.random.Generator, number: int) -> Models:
    """Of four two good updates, one that has not learned enough, and one that has forgotten."""
    noise, loss = random.exponential(0.003, size=2)
    good = 1 - random.beta(2, 80)
    match number % 4:
        case 0 | 1:
            return Models(good, random.uniform(0, 0.2), noise, loss)
        case 2:
            return Models(random.uniform(0.4, 0.88), random.uniform(0, 0.1), noise, random.uniform(0, 0.1))
        case _:
            return Models(good, random.uniform(0, 0.1), noise, random.uniform(0.1, 0.4))


def simulated(random: np.random.Generator, number: int, new: int, old: int, domains: int) -> Reports:
    """Made-up reports: one question on each key, every fifth of what is known with a superseded value."""
    models = draw_models(random, number)
    both = random.random((new, 2)) < np.array([models.right, models.known])
    kinds = random.choice(3, size=old, p=[models.won, models.lost, 1 - models.won - models.lost])
    answers = [_outcome(f"new {n}", "current", *map(bool, row)) for n, row in enumerate(both)]
    for n, kind in enumerate(kinds):
        told = {"champion": False, "candidate": bool(random.random() < 0.01)} if n % 5 == 0 else None
        answers.append(_outcome(f"old {n}", "retained", kind != 1, kind != 0, f"d{n % domains}", told))
    figures = ModelMetrics(general_perplexity=1.0)
    metrics = EvaluationMetrics(base=figures, champion=figures, candidate=figures)
    return Reports(metrics=metrics, answers=tuple(answers))


def _outcome(
    key: str, scope: str, mine: bool, theirs: bool, domain: str = "", told: dict[str, bool] | None = None
) -> QuestionResult:
    right = {"base": False, "champion": theirs, "candidate": mine}
    return QuestionResult(
        key=key, kind="fact", domain=domain, source="", drop="", scope=scope, right=right, outdated=told
    )


def real(folders: Sequence[Path]) -> Iterator[Reports]:
    """The pairs of models that the reports hold.

    Raises:
        AbreastError: there are none.
    """
    found = [read_reports(path.parent) for folder in folders for path in sorted(folder.rglob(ANSWERS))]
    if not found:
        raise AbreastError(
            f"--answers: no {ANSWERS} in {', '.join(map(str, folders))}; make some with benchmarks.record"
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
    """The candidate with another model in the champion's place."""

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


def rows_of(replays: Sequence[Replay]) -> list[list[str]]:
    """By pool and by the verdict on all questions."""
    rows = []
    for pool in dict.fromkeys(one.pool for one in replays):
        of_pool = [one for one in replays if one.pool == pool]
        for full in (*EVERY, "all"):
            if held := [one for one in of_pool if full in (one.full, "all")]:
                cells = []
                for way in range(2):
                    cells.append(percent(np.mean([one.verdicts[way] == one.full for one in held])))
                    cells.append(percent(np.median([one.asked[way] for one in held])))
                rows.append([pool, full, str(len(held)), *cells])
    return rows


def size_of(reports: Reports) -> str:
    """How a pool of real questions is called, by its size."""
    count = len(reports.answers) + len(reports.texts)
    return next((f"to {most}" for most in SIZES if count <= most), f"more than {SIZES[-1]}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Replay and print; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, nargs="+", help="folders that hold answers.jsonl; else simulate")
    parser.add_argument("--pairs", type=int, default=240, help="simulated pairs of each pool")
    parser.add_argument("--pools", type=int, default=len(POOLS), help="so many of the pools, the smallest first")
    parser.add_argument("--domains", type=int, default=1, help="of what was known, simulated")
    parser.add_argument("--batch", type=int, default=32, help="questions from look to look")
    parser.add_argument("--error", type=float, default=0.05)
    asked = parser.parse_args(arguments)
    knobs = [EarlyStopping(verdicts=stop, error_rate=asked.error) for stop in (("fail",), EVERY)]
    if asked.answers:
        found = [replay(size_of(one), one, knobs, asked.batch) for one in real(asked.answers)]
        what = "Real pairs of models"
    else:
        random = np.random.default_rng(17)
        found = [
            replay(f"{new} + {old}", simulated(random, number, new, old, asked.domains), knobs, asked.batch)
            for new, old in POOLS[: asked.pools]
            for number in range(asked.pairs)
        ]
        what = f"Simulated pairs of models, what was known in {asked.domains} domains"
    rows = rows_of(found)
    if len({row[0] for row in rows}) > 1:
        rows += rows_of([one._replace(pool="any") for one in found])
    print(f"\n## {what}, a look after every {asked.batch}, stated error {asked.error:.0%}\n")
    print(as_markdown(HEAD, rows))


if __name__ == "__main__":
    stage.run(main)
