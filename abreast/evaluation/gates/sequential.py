"""Early stopping: when the questions that were asked tell what all of them would say.

The questions of a pool are asked in a random order, without replacement, in blocks. After any block, and after as many
looks as one likes, the final counts that are still plausible are a confidence set; if the gates say the same of all of
them, the rest need not be asked. The verdict is then that of the full evaluation, but for the stated error.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp

from abreast.config import Gate
from abreast.evaluation.gates.exact import p_table
from abreast.evaluation.gates.mcnemar import mcnemar

PASS, INCONCLUSIVE, FAIL = 0, 1, 2
_RARE, _COMMON = 0.02, 1.0
"""The bets: one kind of answer is common and the others are rare (pseudo-counts)."""
_EXPECTED = 0.8
"""So much of the stake is on the expected kind as the common one, the rest on each of the others alike."""
_ROUNDING = 1e-9


class Watch(NamedTuple):
    """All final counts that a pool can end with, and the verdict on each."""

    ends: np.ndarray
    """Shape (ends, kinds of answer): how many of the pool's questions are of each kind."""
    verdicts: np.ndarray
    """Shape (ends,): PASS, INCONCLUSIVE or FAIL."""
    expected: int
    """The kind of answer that a good candidate gives most. It decides how early, not how surely."""


def log_wealth(ends: np.ndarray, seen: np.ndarray, expected: int) -> np.ndarray:
    """What a gambler has won who bet against each final count at its own odds, as a logarithm.

    Before each question the stake is laid on its answer in the shares of a mixture of Pólya urns, which learns from
    the answers so far; a final count pays by the chances that it gives the answers, drawn without replacement. If a
    count is the true one, the wealth begins at 1 and grows no more on average (a supermartingale, for stakes may lie on
    what cannot come any more): the chance that it ever reaches 1 / e is at most e (Ville 1939), however often one
    looks. It is infinite where the count is impossible.
    Source: Waudby-Smith and Ramdas 2020, "Confidence sequences for sampling without replacement", NeurIPS 33 (the
    prior-posterior ratio, which this is); as betting: the same 2024, "Estimating means of bounded random variables by
    betting", JRSS B 86:1-27, doi:10.1093/jrsssb/qkad009, section 5.

    Args:
        ends: shape (ends, kinds of answer), each row with the same sum, the size of the pool.
        seen: how many answers of each kind have come; shape (kinds of answer,).
        expected: the kind that the stakes favour at first.

    Returns:
        shape (ends,).
    """
    kinds, asked, size = len(seen), seen.sum(), ends[0].sum()
    urns = np.full((kinds, kinds), _RARE) + np.eye(kinds) * (_COMMON - _RARE)
    drawn = (gammaln(urns + seen) - gammaln(urns)).sum(axis=1)
    drawn -= gammaln(urns.sum(axis=1) + asked) - gammaln(urns.sum(axis=1))
    parts = np.full(kinds, (1 - _EXPECTED) / (kinds - 1))
    parts[expected] = _EXPECTED
    staked = logsumexp(drawn, b=parts)
    factorials = gammaln(np.arange(1, size + 2))
    wealth, possible = np.full(len(ends), np.inf), (ends >= seen).all(axis=1)
    held = ends[possible]
    paid = (factorials[held] - factorials[held - seen]).sum(axis=1) - factorials[size] + factorials[size - asked]
    wealth[possible] = staked - paid
    return wealth


def settled(watch: Watch, seen: np.ndarray, error: float) -> int | None:
    """The verdict on all final counts that are still plausible; None while they differ.

    Args:
        seen: as in `log_wealth`.
        error: the chance, at most, that this ever gives another verdict than the full pool.
    """
    plausible = watch.verdicts[log_wealth(watch.ends, seen, watch.expected) < np.log(1 / error)]
    return int(plausible[0]) if len(plausible) and (plausible == plausible[0]).all() else None


def watch_pairs(gates: Sequence[Gate], size: int) -> Watch:
    """What gates against another model make of (won, lost, alike), for every outcome of `size` questions."""
    won, lost = (counts.astype(int) for counts in np.nonzero(np.tri(size + 1)[::-1]))
    verdicts = np.zeros(len(won), dtype=int)
    for gate in gates:
        sign, bound = (1, gate.at_least) if gate.at_least is not None else (-1, -gate.at_most)
        better, worse = (won, lost) if sign == 1 else (lost, won)
        reached = better - worse >= size * bound - _ROUNDING
        kept, missed = _p_values(better, worse, size, bound), _p_values(worse, better, size, -bound)
        verdicts = np.maximum(verdicts, _verdicts(gate, reached, kept, missed))
    expected = 0 if all(gate.scope == "current" for gate in gates) else 2
    return Watch(np.stack([won, lost, size - won - lost], axis=1), verdicts, expected)


def watch_share(gates: Sequence[Gate], size: int) -> Watch:
    """What gates on the share itself, without `confidence`, make of (hits, misses)."""
    hits = np.arange(size + 1)
    verdicts = np.zeros(size + 1, dtype=int)
    for gate in gates:
        low = -np.inf if gate.at_least is None else gate.at_least
        high = np.inf if gate.at_most is None else gate.at_most
        reached = (hits >= size * low - _ROUNDING) & (hits <= size * high + _ROUNDING)
        verdicts = np.maximum(verdicts, _verdicts(gate, reached, np.ones(size + 1), np.ones(size + 1)))
    expected = 0 if all(gate.at_least is not None for gate in gates) else 1
    return Watch(np.stack([hits, size - hits], axis=1), verdicts, expected)


def _p_values(won: np.ndarray, lost: np.ndarray, size: int, bound: float) -> np.ndarray:
    if bound == 0.0:
        return mcnemar(won, lost)
    table = p_table(size, bound)
    by_counts = np.ones((size + 1, size + 1))
    by_counts[table.won, table.lost] = table.p
    return by_counts[won, lost]


def _verdicts(gate: Gate, reached: np.ndarray, kept: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """As `abreast.evaluation.gates.decide` and `GateResult.asks` have it, for many outcomes at once."""
    worst = {"block": FAIL, "review": INCONCLUSIVE, "warn": PASS}[gate.does]
    if gate.confidence is None:
        return np.where(reached, PASS, worst)
    level = 1 - gate.confidence + _ROUNDING
    passes = {"review": np.zeros_like(reached), "measured": reached, "pass": np.ones_like(reached)}[gate.undecided]
    unsure = np.where(passes, PASS, min(worst, INCONCLUSIVE))
    return np.where(kept <= level, PASS, np.where(missed <= level, worst, unsure))
