"""Early stopping: the verdicts that all answers may still lead to, given the answers so far.

The keys of a pool are asked in a random order, without replacement, in blocks. After any block, and after any number of
checks, the final counts that are still plausible are a confidence set. If a gate has the same outcome for all of them,
the rest need not be asked: the outcome is that of the full evaluation, except for the stated error.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from abreast.core.settings import AnswerGate, AnyGate
from abreast.statistics.exact import EXACT, normal_tail, p_table
from abreast.statistics.mcnemar import mcnemar
from abreast.statistics.share import p_above, p_below

PASS, INCONCLUSIVE, FAIL = 0, 1, 2
LARGEST = 1000
"""In larger pools every verdict counts as possible until the first answers: too many final counts are possible."""
_RARE, _COMMON = 0.02, 1.0
"""The bets: one kind of answer is common and the others are rare (pseudo-counts)."""
_EXPECTED = 0.8
"""So much of the stake is on the expected kind as the common one, the rest on each of the others alike."""
_ROUNDING = 1e-9


class Tally(NamedTuple):
    """The answers of a pool so far. A key counts by the share of its questions, as in `abreast.statistics.pairs`."""

    size: int
    """Keys in the pool, asked or not."""
    seen: np.ndarray
    """How many keys are of each kind: better, worse and alike of two models; or hit by all questions, and not."""
    sums: np.ndarray
    """What they add up to: the shares won and lost; or the shares of hits."""
    least: float
    """The smallest share by which a key can differ: 1 where each has one question."""
    expected: int
    """The kind that a good candidate gives most. It affects how early a gate is settled, not the error."""


class PossibleVerdicts(NamedTuple):
    """The best and the worst verdict that all questions may still lead to, and the range of the measured figure."""

    best: int
    worst: int
    low: float = -np.inf
    high: float = np.inf

    @property
    def settled(self) -> bool:
        """Whether the rest can change nothing."""
        return self.best == self.worst


def log_wealth(ends: np.ndarray, seen: np.ndarray, expected: int) -> np.ndarray:
    """The log wealth of a gambler who bets against each final count at its own odds.

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
    staked = np.logaddexp.reduce(drawn + np.log(parts))
    factorials = _log_factorials(int(size))
    wealth, possible = np.full(len(ends), np.inf), (ends >= seen).all(axis=1)
    held = ends[possible]
    paid = (factorials[held] - factorials[held - seen]).sum(axis=1) - factorials[size] + factorials[size - asked]
    wealth[possible] = staked - paid
    return wealth


@lru_cache(maxsize=64)
def _log_factorials(size: int) -> np.ndarray:
    """Of 0 to `size`."""
    factorials: np.ndarray = gammaln(np.arange(1, size + 2))
    return factorials


def plausible(tally: Tally, error: float) -> np.ndarray:
    """The final counts that the answers so far do not reject.

    Args:
        error: the chance, at most, that this ever leaves out the true ones; 0 keeps all that are possible.

    Returns:
        shape (ends, kinds of answer), as `log_wealth` takes them; never empty.
    """
    return _plausible(tally.size, tuple(map(int, tally.seen)), tally.expected, error)


@lru_cache(maxsize=16)
def _plausible(size: int, counts: tuple[int, ...], expected: int, error: float) -> np.ndarray:
    """Cached, since several gates look at the same counts."""
    seen = np.array(counts)
    if seen.sum() == size:
        return seen[None]
    ends = _of_two_kinds(size) if len(seen) == 2 else _of_three_kinds(size, seen, expected, error)
    if not error:
        return ends[(ends >= seen).all(axis=1)]
    wealth = log_wealth(ends, seen, expected)
    held = wealth < np.log(1 / error)
    return ends[held] if held.any() else ends[[wealth.argmin()]]


class Corner(NamedTuple):
    """The best, or the worst, possible final counts; arrays of shape (ends,)."""

    better: np.ndarray
    worse: np.ndarray
    won: np.ndarray
    lost: np.ndarray


def verdict_if_missed(gate: AnyGate) -> int:
    """The worst verdict that a gate can lead to."""
    return {"block": FAIL, "review": INCONCLUSIVE, "warn": PASS}[gate.on_fail]


def verdicts_on_pairs(gate: AnswerGate, strata: Sequence[Tally], error: float, slices: int = 1) -> PossibleVerdicts:
    """The verdicts that a gate that compares with a model may still give, and the range of the difference of shares.

    Args:
        strata: the parts of the pool, each asked in an order of its own, such as what is new and what was known.
        error: as in `plausible`, for each stratum.
        slices: of so many slices this is one: it misses the bound if it does after Holm's correction for all of them.
    """
    held = [_corners(tally, _outline(plausible(tally, error))) for tally in strata]
    high, low = held[0] if len(held) == 1 else _added(held)
    size = sum(tally.size for tally in strata)
    verdicts = np.concatenate([_of_pairs(gate, size, high, True, slices), _of_pairs(gate, size, low, False, slices)])
    ends = (low.won - low.lost).min() / size, (high.won - high.lost).max() / size
    return PossibleVerdicts(int(verdicts.min()), int(verdicts.max()), *map(float, ends))


def verdicts_on_share(gate: AnswerGate, strata: Sequence[Tally], error: float, slices: int = 1) -> PossibleVerdicts:
    """The verdicts that a gate on the share itself may still give; arguments as in `verdicts_on_pairs`."""
    low = high = 0.0
    for tally in strata:
        hit, other = (plausible(tally, error) - tally.seen).T
        low += tally.sums[0] + hit.min()
        high += tally.sums[0] + (hit + other * (1 - tally.least)).max()
    size = sum(tally.size for tally in strata)
    verdicts = [int(_of_share(gate, size, hits, slices)[0]) for hits in (low, high)]
    return PossibleVerdicts(min(verdicts), max(verdicts), float(low / size), float(high / size))


def verdicts_on_counts(gate: AnswerGate, won: np.ndarray, lost: np.ndarray, size: int) -> np.ndarray:
    """The verdicts of a gate that compares with a model, on whole numbers of won and lost keys; shape as of `won`."""
    return _of_pairs(gate, size, Corner(won, lost, won, lost), True, 1)


def _of_two_kinds(size: int) -> np.ndarray:
    """All final counts."""
    return np.stack([np.arange(size + 1), np.arange(size, -1, -1)], axis=1)


def _of_three_kinds(size: int, seen: np.ndarray, expected: int, error: float) -> np.ndarray:
    """All final counts that can be plausible, and some that are not, without a look at all that there are.

    The wealth is convex in the final counts, a sum of logarithms of falling factorials. So of all counts with so many
    of one kind, it is least near those where the other two share the rest as they share the answers so far, and the
    least of each number says whether it is plausible at all.
    """
    ranges = []
    for kind in (0, 1):
        other = 1 - kind
        many = np.arange(seen[kind], size - seen[other] - seen[2] + 1)
        rest = size - many
        part = seen[other] / max(seen[other] + seen[2], 1)
        least = np.full(len(many), np.inf)
        for shift in (-1, 0, 1):
            ends = np.empty((len(many), 3), dtype=int)
            ends[:, kind] = many
            ends[:, other] = np.clip(np.rint(part * rest).astype(int) + shift, seen[other], rest - seen[2])
            ends[:, 2] = rest - ends[:, other]
            least = np.minimum(least, log_wealth(ends, seen, expected))
        ranges.append(many[least < max(np.log(1 / error), least.min() + _ROUNDING)] if error else many)
    won, lost = np.meshgrid(*ranges, indexing="ij")
    won, lost = won.ravel(), lost.ravel()
    ends = np.stack([won, lost, size - won - lost], axis=1)
    return np.asarray(ends[ends[:, 2] >= seen[2]])


def _outline(ends: np.ndarray) -> np.ndarray:
    """Of counts of three kinds the most and the fewest won with each number of lost ones.

    No gate has a worse outcome for a candidate that has won more and lost as many, so these counts give the best
    and the worst outcome of all.
    """
    ordered = ends[np.lexsort((ends[:, 0], ends[:, 1]))]
    other = np.diff(ordered[:, 1]) != 0
    return np.asarray(ordered[np.append(other, True) | np.insert(other, 0, True)])


def _corners(tally: Tally, ends: np.ndarray) -> tuple[Corner, Corner]:
    more, less = ends[:, 0] - tally.seen[0], ends[:, 1] - tally.seen[1]
    (won, lost), least = tally.sums, tally.least
    return (
        Corner(ends[:, 0], ends[:, 1], won + more, lost + less * least),
        Corner(ends[:, 0], ends[:, 1], won + more * least, lost + less),
    )


def _added(strata: Sequence[tuple[Corner, Corner]]) -> tuple[Corner, Corner]:
    """The corners of several strata together, whichever of their final counts go with each other."""
    high = [[of.better.max(), of.worse.min(), of.won.max(), of.lost.min()] for of, _ in strata]
    low = [[of.better.min(), of.worse.max(), of.won.min(), of.lost.max()] for _, of in strata]
    return Corner(*np.sum(high, axis=0)[:, None]), Corner(*np.sum(low, axis=0)[:, None])


def _of_pairs(gate: AnswerGate, size: int, corner: Corner, up: bool, slices: int) -> np.ndarray:
    """The verdicts on one corner; where keys count by fractions, those of the next whole counts further out."""
    outwards, inwards = (np.ceil, np.floor) if up else (np.floor, np.ceil)
    won, lost, bound = corner.won, corner.lost, gate.limit
    whole = outwards(won - _ROUNDING if up else won + _ROUNDING), inwards(lost + _ROUNDING if up else lost - _ROUNDING)
    votes = corner.better, corner.worse
    if gate.bound == "at most":
        won, lost, bound, whole, votes = lost, won, -bound, whole[::-1], votes[::-1]
    reached = won - lost >= size * bound - _ROUNDING
    better, worse = (count.astype(int) for count in (votes if bound == 0.0 else whole))
    kept, missed = _p_values(better, worse, size, bound), _p_values(worse, better, size, -bound)
    return _verdicts(gate, reached, kept, missed * slices)


def _of_share(gate: AnswerGate, size: int, hits: float, slices: int) -> np.ndarray:
    is_minimum, needed = gate.bound == "at least", size * gate.limit
    reached = np.array([hits >= needed - _ROUNDING if is_minimum else hits <= needed + _ROUNDING])
    above, below = np.array([p_above(hits, size, gate.limit)]), np.array([p_below(hits, size, gate.limit)])
    kept, missed = (above, below) if is_minimum else (below, above)
    return _verdicts(gate, reached, kept, missed * slices)


def _p_values(won: np.ndarray, lost: np.ndarray, size: int, bound: float) -> np.ndarray:
    if bound == 0.0:
        return mcnemar(won, lost)
    return normal_tail(won, lost, size, bound) if size > EXACT else _p_by_counts(size, bound)[won, lost]


@lru_cache(maxsize=128)
def _p_by_counts(size: int, bound: float) -> np.ndarray:
    """The p-values of `p_table`, to be looked up by won and lost."""
    table = p_table(size, bound)
    by_counts = np.ones((size + 1, size + 1))
    by_counts[table.won, table.lost] = table.p
    return by_counts


def _verdicts(gate: AnswerGate, reached: np.ndarray, kept: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """As `abreast.gates.decide.decide_by_test` and `GateResult.asks` give them, for many outcomes at once."""
    worst = verdict_if_missed(gate)
    if gate.confidence is None:
        return np.where(reached, PASS, worst)
    level = 1 - gate.confidence + _ROUNDING
    passes = {"review": np.zeros_like(reached), "point_estimate": reached, "pass": np.ones_like(reached)}[
        gate.on_undecided
    ]
    unsure = np.where(passes, PASS, min(worst, INCONCLUSIVE))
    return np.where(kept <= level, PASS, np.where(missed <= level, worst, unsure))
