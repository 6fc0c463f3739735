"""Measures whether the gates keep the error levels that they promise, on simulated answers; runs no model.

python -m benchmarks.gates                      # minutes
python -m benchmarks.gates --quick --out results/gates

Prints tables and draws the power curves. A/A: a model against an equally good one, whose answers differ by chance.
"""

import argparse
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from abreast.core import stage
from abreast.core.settings import GATES, Gate
from abreast.statistics.bootstrap import bootstrap
from abreast.statistics.exact import p_table
from abreast.statistics.holm import holm
from abreast.statistics.mcnemar import mcnemar
from abreast.statistics.sample_size import least_questions, power, questions_needed
from abreast.statistics.sequential import FAIL, INCONCLUSIVE, PASS, Tally, verdicts_on_counts, verdicts_on_pairs
from benchmarks.plots import new_figure
from benchmarks.tables import format_percent, markdown_table

BY_NAME = {gate.name: gate for gate in GATES}
RETAINED = (BY_NAME["retained_exact_match"], BY_NAME["retention"])
ERROR = 0.05
"""The stated error of an early stop: how often, at most, its verdict differs from that on all questions."""
BLOCK = 5
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7")
"""Okabe and Ito 2008."""


class SimulationSize(NamedTuple):
    """How much is simulated."""

    promotions: int
    questions: tuple[int, ...]


FULL = SimulationSize(2000, (30, 60, 120, 200, 300))
QUICK = SimulationSize(200, (30, 120))


def draw_counts(random: np.random.Generator, count: int, asked: int, won: float, lost: float) -> np.ndarray:
    """Counts of won, lost and alike questions; shape (count, 3)."""
    return random.multinomial(asked, [won, lost, 1 - won - lost], size=count)


def p_values(counts: np.ndarray, bound: float) -> np.ndarray:
    """The gates' p-values of "the candidate is better by at most `bound`"; shape (count,)."""
    if not bound:
        return mcnemar(counts[:, 0], counts[:, 1])
    asked = int(counts[0].sum())
    table, by_counts = p_table(asked, bound), np.ones((asked + 1, asked + 1))
    by_counts[table.won, table.lost] = table.p
    return by_counts[counts[:, 0], counts[:, 1]]


def outcome_shares(gate: Gate, counts: np.ndarray) -> list[float]:
    """How often the outcomes are pass, inconclusive and fail."""
    found = verdicts_on_counts(gate, counts[:, 0], counts[:, 1], int(counts[0].sum()))
    return [float((found == verdict).mean()) for verdict in (PASS, INCONCLUSIVE, FAIL)]


def null_rows(size: SimulationSize, random: np.random.Generator) -> list[list[str]]:
    """A/A: each gate on two equally good models that differ on a share of the questions."""
    rows = []
    for gate in (BY_NAME["gain"], *RETAINED):
        for asked in size.questions:
            for differ in (0.0, 0.04, 0.1, 0.3):
                counts = draw_counts(random, size.promotions, asked, differ / 2, differ / 2)
                shares = outcome_shares(gate, counts)
                rows.append([gate.name, str(asked), format_percent(differ), *map(format_percent, shares)])
    return rows


def margin_rows(size: SimulationSize, random: np.random.Generator) -> list[list[str]]:
    """At the margin itself: how often a candidate that loses exactly so much passes by the test."""
    rows = []
    for gate in RETAINED:
        for asked in size.questions:
            for won in (0.0, 0.02):
                counts = draw_counts(random, size.promotions, asked, won, won - gate.at_least)
                shown = float((p_values(counts, gate.at_least) <= 0.05).mean())
                rows.append(
                    [gate.name, str(asked), format_percent(-gate.at_least), format_percent(won), format_percent(shown)]
                )
    return rows


def slice_rows(size: SimulationSize, random: np.random.Generator, slices: int = 10, asked: int = 12) -> list[list[str]]:
    """How often any slice fails, with and without the correction: A/A, and where all lose exactly the margin."""
    gate, rows = BY_NAME["retention by domain"], []
    for what, won, lost in (("A/A, 10 % differ", 0.05, 0.05), ("all lose the margin", 0.0, -gate.at_least)):
        any_plain = any_corrected = 0
        for _ in range(size.promotions):
            missed = p_values(draw_counts(random, slices, asked, won, lost)[:, [1, 0, 2]], -gate.at_least)
            any_plain += (missed <= 0.05).any()
            any_corrected += min(holm(list(missed))) <= 0.05
        shares = [format_percent(count / size.promotions) for count in (any_plain, any_corrected)]
        rows.append([f"{slices} slices of {asked}", what, *shares])
    return rows


@cache
def settled(won: int, lost: int, alike: int, asked: int) -> int | None:
    """The early stop's verdict on `gain` after these answers; None if it is not settled."""
    tally = Tally(asked, np.array([won, lost, alike]), np.array([won, lost]), 1.0, 0)
    verdicts = verdicts_on_pairs(BY_NAME["gain"], [tally], ERROR)
    return verdicts.best if verdicts.settled else None


def peeking_rows(size: SimulationSize, random: np.random.Generator, asked: int = 200) -> list[list[str]]:
    """A/A with a look after every block: false gains by McNemar's test at each look, and by the sequential stop."""
    rows = []
    for differ in (0.1, 0.3):
        once = peeked = stopped = 0
        for _ in range(size.promotions):
            answers = random.choice(3, size=asked, p=[differ / 2, differ / 2, 1 - differ])
            counts = np.cumsum(np.eye(3, dtype=int)[answers], axis=0)[BLOCK - 1 :: BLOCK]
            shown = p_values(counts, 0.0) <= 0.05
            once, peeked = once + shown[-1], peeked + shown.any()
            stopped += (
                next(verdict for look in counts if (verdict := settled(*map(int, look), asked)) is not None) == PASS
            )
        rows.append([format_percent(differ), *(format_percent(n / size.promotions) for n in (once, peeked, stopped))])
    return rows


def bootstrap_row(size: SimulationSize, random: np.random.Generator, keys: int = 40) -> list[str]:
    """How often each end of the paired bootstrap misses the true ratio, with two pieces of text on every key."""
    low = high = 0
    count = max(50, size.promotions // 5)
    for _ in range(count):
        differences = random.normal(0.0, 0.1, keys) + random.normal(0.0, 0.05, (2, keys)).mean(axis=0)
        found = bootstrap(list(differences), list(random.integers(20, 120, keys).astype(float)), 0.95)
        low, high = low + (found.low > 0), high + (found.high < 0)
    return [str(keys), format_percent(low / count), format_percent(high / count)]


def size_rows(size: SimulationSize, random: np.random.Generator) -> list[list[str]]:
    """The questions that a margin or a gain needs for 80 % power, and the power that simulated answers show there."""
    margins = (0.2, 0.1) if size is QUICK else (0.2, 0.1, 0.05, 0.03)
    cases = [(-margin, *true) for margin in margins for true in ((0.0, 0.0), (0.0, 0.01), (0.02, 0.02))]
    rows = []
    for bound, won, lost in [*cases, *((0.0, 0.02 + gain, 0.02) for gain in (0.5, 0.2, 0.1))]:
        asked = questions_needed(bound, won=won, lost=lost)
        counts = draw_counts(random, size.promotions, asked, won, lost)
        shown = p_values(counts, bound) <= 0.05
        what = f"margin {format_percent(-bound)}" if bound else "gain"
        least = str(least_questions(bound, 0.95))
        rows.append(
            [what, format_percent(won), format_percent(lost), least, str(asked), format_percent(float(shown.mean()))]
        )
    return rows


def plot_power(path: Path, quick: bool) -> None:
    """Power against the number of questions, for `retention` by true loss and for `gain` by true gain."""
    asked = [*range(20, 301, 40 if quick else 10)]
    figure = new_figure(9.0, 3.6)
    left, right = figure.subplots(1, 2, sharey=True)
    for colour, lost in zip(COLOURS, (0.0, 0.01, 0.02, 0.05), strict=True):
        chances = [power(n, RETAINED[1].at_least, 0.95, 0.01, 0.01 + lost) for n in asked]
        left.plot(asked, chances, color=colour, label=f"true loss {lost:.0%}")
    for colour, gained in zip(COLOURS, (0.05, 0.1, 0.2, 0.5), strict=True):
        chances = [power(n, 0.0, 0.95, 0.02 + gained, 0.02) for n in asked]
        right.plot(asked, chances, color=colour, label=f"true gain {gained:.0%}")
    for axes, colour, true in ((left, COLOURS[1], (0.01, 0.02)), (right, COLOURS[1], (0.12, 0.02))):
        needed = questions_needed(RETAINED[1].at_least if axes is left else 0.0, won=true[0], lost=true[1])
        axes.axvline(needed, color=colour, linewidth=0.8)
        axes.annotate(
            f"promised: {needed}", (needed, 0.05), fontsize=8, xytext=(4, 0), textcoords="offset points", color=colour
        )
    for axes, title in ((left, "retention, margin 10 points"), (right, "gain")):
        axes.axhline(0.8, color="#999999", linewidth=0.8)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel("questions")
        axes.legend(fontsize=8, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_ylabel("chance to pass")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def tables(size: SimulationSize, random: np.random.Generator) -> Iterator[tuple[str, Sequence[str], list[list[str]]]]:
    """Title, head and rows of each table."""
    head = ("gate", "questions", "differ", "pass", "inconclusive", "fail")
    yield f"A/A, {size.promotions} promotions each", head, null_rows(size, random)
    head = ("gate", "questions", "margin", "won", "pass by the test")
    yield "A loss of exactly the margin", head, margin_rows(size, random)
    head = ("slices", "what", "any fails, uncorrected", "any fails, Holm")
    yield f"Slices, {size.promotions} promotions", head, slice_rows(size, random)
    head = ("differ", "McNemar once", "McNemar at every look", "sequential")
    looked = f"A/A with a look after every {BLOCK} of 200, {size.promotions} promotions"
    yield looked, head, peeking_rows(size, random)
    head = ("keys", "low end misses", "high end misses")
    yield "Paired bootstrap, each end at 95 %", head, [bootstrap_row(size, random)]
    head = ("to show", "won", "lost", "at least", "for 80 %", "simulated power")
    yield "Questions for 80 % power", head, size_rows(size, random)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate and print; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few simulations, seconds")
    parser.add_argument("--seed", type=int, default=17)
    parser.add_argument("--out", type=Path, default=Path("results/gates"), help="folder of the picture")
    asked = parser.parse_args(arguments)
    for title, head, rows in tables(QUICK if asked.quick else FULL, np.random.default_rng(asked.seed)):
        print(f"\n## {title}\n\n{markdown_table(head, rows)}", flush=True)
    plot_power(asked.out / "power.png", asked.quick)
    print(f"\n{asked.out / 'power.png'}")


if __name__ == "__main__":
    stage.run(main)
