"""Questions in a random order, in blocks, until the gates are settled."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from abreast.core.settings import EarlyStopping, Gate, TextPerplexityGate
from abreast.dataset.sampling import stable_hash
from abreast.gates.monitor import GateMonitor, MonitoredGate
from abreast.reports.early_stop import EarlyStop
from abreast.reports.reports import Reports
from abreast.statistics.sequential import FAIL, INCONCLUSIVE, PASS

VERDICTS = {PASS: "pass", INCONCLUSIVE: "inconclusive", FAIL: "fail"}
_POOLS = (("current", "answers"), ("current", "texts"), ("retained", "answers"), ("retained", "texts"))
"""The order of asking: new before known, and in each scope questions with an answer before raw text."""


class AskedQuestions(NamedTuple):
    """The numbers of the questions and pieces of text that were asked, in their own order, and why no more."""

    answers: list[int]
    texts: list[int]
    stopped: EarlyStop | None


Pools = dict[tuple[str, str], dict[str, list[int]]]
"""By scope and by what is asked, the numbers of the questions on each key."""


def ask_until_settled(
    planned: Reports,
    gates: Sequence[Gate],
    models: Sequence[str],
    knobs: EarlyStopping,
    batch: int,
    ask: Callable[[list[int], list[int]], Reports],
) -> AskedQuestions:
    """Ask block after block, and stop as soon as a verdict that `evaluate.early_stopping` stops for is settled.

    General text comes first and takes no question. Then come the next keys, in the order of the pool, that a gate which
    is not settled depends on; so of each such gate's own keys the first ones are asked. All questions on a key are
    asked together, because the gates count keys. Raw text is asked pool by pool.

    Args:
        planned: all questions and pieces of text; their results are ignored.
        models: the names of the models that are asked.
        batch: the questions that a model answers at once.
        ask: lets all models answer the questions and texts with these numbers; gives the results, and the perplexities
            of general text as metrics.
    """
    monitor, pools = GateMonitor(planned, gates, models, knobs.error_rate), _in_random_order(planned, knobs.seed)
    numbers: tuple[list[int], list[int]] = ([], [])
    held = ask([], [])
    while any(pools.values()):
        possible = monitor.update(held)
        if possible.settled and VERDICTS[possible.best] in knobs.verdicts:
            break
        block = _next(pools, monitor, knobs.check_every * batch) if not possible.settled else _rest(pools)
        found = ask(*block)
        more = {"answers": held.answers + found.answers, "texts": held.texts + found.texts}
        held = held.model_copy(update=more)
        for all_of, some in zip(numbers, block, strict=True):
            all_of.extend(some)
    asked = tuple(map(sorted, numbers))
    return AskedQuestions(
        *asked, _stopped(monitor, planned, sum(map(len, asked)), knobs.error_rate) if any(pools.values()) else None
    )


def _stopped(monitor: GateMonitor, planned: Reports, asked: int, error: float) -> EarlyStop:
    verdict = max((one.possible.best for one in monitor.monitored), default=PASS)
    enough = any(result.asks for result in monitor.question_check)
    return EarlyStop(
        verdict=VERDICTS[max(verdict, INCONCLUSIVE if enough else PASS)],
        asked=asked,
        planned=len(planned.answers) + len(planned.texts),
        error=error,
        open=tuple(one.gate.name for one in monitor.open),
        gates=monitor.gates,
        results=tuple(monitor.results),
    )


def _in_random_order(planned: Reports, seed: int) -> Pools:
    """The numbers of the questions of each pool, key by key.

    The order is another one for other questions, so that no key comes first at every update.
    """
    keys = sorted({one.key for one in (*planned.answers, *planned.texts)})
    salt = f"{seed} {stable_hash(chr(10).join(keys), 'early')}"
    pools: Pools = {}
    for scope, what in _POOLS:
        by_key: dict[str, list[int]] = {}
        for number, one in enumerate(getattr(planned, what)):
            if one.scope == scope:
                by_key.setdefault(one.key, []).append(number)
        order = sorted(by_key, key=lambda key: stable_hash(key, salt), reverse=True)
        pools[scope, what] = {key: by_key[key] for key in order}
    return pools


def _next(pools: Pools, monitor: GateMonitor, size: int) -> tuple[list[int], list[int]]:
    """Take the next block: from the first pool that an open gate is for, those on one scope alone before the others."""
    alone = [one for one in monitor.open if one.gate.scope != "known"]
    left = [place for place in pools if pools[place]]
    # A slice with keys that count by fractions may stay open when all of it was asked; then the rest settles it.
    place = next((at for gates in (alone, monitor.open) for at in left if _wanted(gates, pools, at)), left[0])
    if place[1] == "texts":
        return [], _all(pools, place)
    wanted = _wanted(monitor.open, pools, place) or pools[place].keys()
    block: list[int] = []
    for key in [key for key in pools[place] if key in wanted]:
        if block and len(block) + len(pools[place][key]) > size:
            break
        block += pools[place].pop(key)
    return block, []


def _wanted(open_gates: Sequence[MonitoredGate], pools: Pools, place: tuple[str, str]) -> set[str]:
    """The keys left in a pool that could still change what one of these gates says."""
    scope, what = place
    alike = [one for one in open_gates if isinstance(one.gate, TextPerplexityGate) == (what == "texts")]
    return {key for one in alike for key in one.useful_keys(scope)} & pools[place].keys()


def _rest(pools: Pools) -> tuple[list[int], list[int]]:
    """All that is left, at once."""
    taken: dict[str, list[int]] = {"answers": [], "texts": []}
    for place in pools:
        taken[place[1]] += _all(pools, place)
    return taken["answers"], taken["texts"]


def _all(pools: Pools, place: tuple[str, str]) -> list[int]:
    taken = [number for numbers in pools[place].values() for number in numbers]
    pools[place] = {}
    return taken
