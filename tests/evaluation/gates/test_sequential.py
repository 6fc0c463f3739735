from itertools import permutations

import numpy as np
import pytest

from abreast.config import GATES, Gate
from abreast.evaluation.gates.sequential import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    log_wealth,
    settled,
    watch_pairs,
    watch_share,
)
from abreast.evaluation.gates.shares import of_shares
from tests.evaluation.reports import outcomes

BY_NAME = {gate.name: gate for gate in GATES}
RETAINED = [BY_NAME["retained_exact_match"], BY_NAME["retention"]]


def seen(order, asked, kinds=3):
    return np.bincount(np.array(order[:asked], dtype=int), minlength=kinds)


def test_against_the_truth_the_wealth_does_not_grow_on_average_and_rarely_ever():
    """All orders of a pool of seven, two won and one lost; the first stake on alike is (0.8 + 0.2 * 0.02) / 1.04."""
    truth = np.array([[2, 1, 4]])
    orders = list(permutations([0, 0, 1, 2, 2, 2, 2]))
    wealth = {tuple(seen(order, n)): 0.0 for order in orders for n in range(8)}
    wealth = {counts: float(np.exp(log_wealth(truth, np.array(counts), 2)[0])) for counts in wealth}
    paths = np.array([[wealth[tuple(seen(order, n))] for n in range(8)] for order in orders])
    assert wealth[0, 0, 1] == pytest.approx((0.8 + 0.2 * 0.02) / 1.04 / (4 / 7))
    assert paths.mean(axis=0)[:2] == pytest.approx([1.0, 1.0])
    assert (np.diff(paths.mean(axis=0)) <= 1e-9).all(), "later stakes may lie on what cannot come any more"
    for bar in (2.0, 4.0, 8.0):
        assert (paths.max(axis=1) >= bar).mean() <= 1 / bar


def test_the_wealth_against_a_count_that_cannot_be_is_infinite():
    ends = np.array([[0, 0, 4], [0, 1, 3], [1, 1, 2]])
    assert np.isinf(log_wealth(ends, np.array([0, 1, 1]), 0)).tolist() == [True, False, False]


@pytest.mark.parametrize("gates", [RETAINED, [BY_NAME["gain"]], [RETAINED[0].model_copy(update={"does": "warn"})]])
def test_the_verdicts_on_final_counts_are_those_of_the_gates(gates):
    watch = watch_pairs(gates, 14)
    assert sorted(map(tuple, watch.ends[:, :2])) == [(won, lost) for won in range(15) for lost in range(15 - won)]
    ranks = {None: PASS, "inconclusive": INCONCLUSIVE, "fail": FAIL}
    for (won, lost, alike), verdict in list(zip(watch.ends, watch.verdicts, strict=True))[::7]:
        answers = outcomes(gates[0].scope, both=int(alike), won=int(won), lost=int(lost))
        results = [result for gate in gates for result in of_shares(gate, answers, "candidate")]
        assert verdict == max(ranks[result.asks] for result in results), (won, lost)


def test_a_share_is_watched_at_its_bar():
    watch = watch_share([BY_NAME["current_exact_match"]], 20)
    assert [tuple(end) for end, verdict in zip(watch.ends, watch.verdicts, strict=True) if verdict == PASS] == [
        (18, 2),
        (19, 1),
        (20, 0),
    ]
    most = Gate(name="stale", measure="stale", scope="known", at_most=0.05, does="review")
    assert watch_share([most], 20).verdicts.tolist() == [PASS, PASS, *[INCONCLUSIVE] * 19]


def test_all_questions_settle_it_and_clear_answers_settle_it_early():
    watch = watch_pairs([BY_NAME["gain"]], 100)
    assert settled(watch, np.array([12, 0, 0]), 0.02) == PASS
    assert settled(watch, np.array([4, 0, 0]), 0.02) is None
    assert settled(watch, np.array([0, 20, 10]), 0.02) == FAIL
    for end, verdict in zip(watch.ends[::97], watch.verdicts[::97], strict=True):
        assert settled(watch, end, 0.02) == verdict


def test_it_says_what_all_questions_would_say_but_for_the_stated_error():
    """Pools near the bar, where that is hardest, looked at after every other question."""
    watch, random, wrong = watch_pairs(RETAINED, 50), np.random.default_rng(7), 0
    verdicts = {tuple(end): verdict for end, verdict in zip(watch.ends, watch.verdicts, strict=True)}
    for number in range(120):
        pool = np.array([0] * (number % 2) + [1] * (1 + number % 4))
        order = random.permutation(np.concatenate([pool, np.full(50 - len(pool), 2)]))
        found = (settled(watch, seen(order, asked), 0.1) for asked in range(10, 51, 4))
        said = next((verdict for verdict in found if verdict is not None), None)
        wrong += said is not None and said != verdicts[tuple(seen(order, 50))]
    assert wrong / 120 <= 0.1
