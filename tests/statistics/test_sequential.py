from itertools import permutations, product

import numpy as np
import pytest

from abreast.core.settings import GATES, AnswerGate
from abreast.gates.answer_gates import judge_answers
from abreast.statistics.sequential import (
    FAIL,
    INCONCLUSIVE,
    PASS,
    Tally,
    log_wealth,
    plausible,
    verdicts_on_counts,
    verdicts_on_pairs,
    verdicts_on_share,
)
from tests.evaluation.reports import results

BY_NAME = {gate.name: gate for gate in GATES}
RETAINED = [BY_NAME["retained_exact_match"], BY_NAME["retention"]]
AT_MOST = {"name": "luck", "measure": "accuracy", "scope": "retained", "compare_to": "champion", "at_most": 0.2} | {
    "confidence": 0.9,
    "on_fail": "review",
}


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


@pytest.mark.parametrize("expected", [0, 2])
@pytest.mark.parametrize("error", [0.05, 0.001, 0.0])
def test_no_plausible_count_is_overlooked(error, expected):
    random = np.random.default_rng(11)
    won, lost = (counts.astype(int) for counts in np.nonzero(np.tri(91)[::-1]))
    everything = np.stack([won, lost, 90 - won - lost], axis=1)
    for chances in product((0.0, 0.02, 0.3), (0.0, 0.05, 0.6)):
        order = random.choice(3, size=90, p=[*chances, 1 - sum(chances)])
        for asked in (1, 20, 70, 89):
            counts = seen(order, asked)
            wealth = log_wealth(everything, counts, expected)
            held = wealth < (np.log(1 / error) if error else np.inf)
            found = plausible(Tally(90, counts, counts[:2], 1.0, expected), error)
            assert set(map(tuple, found)) == set(map(tuple, everything[held])), (chances, asked)


def test_a_pool_of_thousands_is_settled_by_a_small_part_of_it():
    retained, large = RETAINED[1], 5000
    assert verdicts_on_pairs(retained, [pairs(large, 0, 0, 300)], 0.005)[:2] == (PASS, PASS)
    assert verdicts_on_pairs(retained, [pairs(large, 0, 60, 90)], 0.005).best == FAIL
    assert not verdicts_on_pairs(retained, [pairs(large, 4, 30, 266)], 0.005).settled


def pairs(size, better, worse, alike=0, least=1.0, sums=None, expected=2):
    return Tally(size, np.array([better, worse, alike]), np.array(sums or [better, worse]), least, expected)


@pytest.mark.parametrize(
    "gate", [*RETAINED, BY_NAME["gain"], AnswerGate(**AT_MOST), RETAINED[0].model_copy(update={"on_fail": "warn"})]
)
def test_the_verdicts_on_final_counts_are_those_of_the_gates(gate):
    ranks = {None: PASS, "inconclusive": INCONCLUSIVE, "fail": FAIL}
    for won, lost in list(product(range(15), range(15)))[::7]:
        if won + lost <= 14:
            answers = results(gate.scope, both=14 - won - lost, won=won, lost=lost)
            (result,) = judge_answers(gate, answers, "candidate")
            said = verdicts_on_pairs(gate, [pairs(14, won, lost, 14 - won - lost)], 0.05)
            assert (said.best, said.worst) == (ranks[result.asks],) * 2, (won, lost)
            assert said.low == said.high == pytest.approx((won - lost) / 14)
            assert verdicts_on_counts(gate, np.array([won]), np.array([lost]), 14).tolist() == [said.best]


def test_with_several_questions_on_a_key_the_bounds_hold_what_any_answers_to_the_rest_give():
    """Eight keys of two questions each; what the last three may be, tried one by one."""
    gate = RETAINED[0].model_copy(update={"at_least": -0.2, "confidence": 0.7})
    ranks = {None: PASS, "inconclusive": INCONCLUSIVE, "fail": FAIL}
    halves = [1.0, 0.0, -0.5, 0.0, 0.0]
    tally = pairs(8, 1, 1, 3, 0.5, [1.0, 0.5])
    said, seen = verdicts_on_pairs(gate, [tally], 0.0), set()
    for rest in product((-1.0, -0.5, 0.0, 0.5, 1.0), repeat=3):
        answers = [
            one
            for number, above in enumerate([*halves, *rest])
            for one in results(
                "retained",
                both=int(abs(above) < 1) + int(above == 0),
                won=int(above > 0) + int(above == 1),
                lost=int(above < 0) + int(above == -1),
            )
            for one in [one.model_copy(update={"key": str(number)})]
        ]
        (result,) = judge_answers(gate, answers, "candidate")
        seen.add(ranks[result.asks])
        assert said.best <= ranks[result.asks] <= said.worst
        assert said.low <= sum([*halves, *rest]) / 8 <= said.high
    assert len(seen) > 1
    assert (said.low, said.high) == ((0.5 - 3) / 8, (0.5 + 3) / 8)


def test_a_share_is_watched_at_its_bar():
    bar = BY_NAME["current_exact_match"]
    at = {hits: verdicts_on_share(bar, [share(20, hits, 20 - hits)], 0.05).best for hits in (17, 18, 20)}
    assert at == {17: FAIL, 18: PASS, 20: PASS}
    most = AnswerGate(name="stale", measure="stale", scope="known", at_most=0.05, on_fail="review")
    assert verdicts_on_share(most, [share(20, 1, 19)], 0.05).best == PASS
    assert verdicts_on_share(most, [share(20, 2, 0)], 0.05)[:2] == (INCONCLUSIVE, INCONCLUSIVE)
    sure = AnswerGate(name="sure", measure="accuracy", scope="current", at_least=0.5, confidence=0.95)
    found = [verdicts_on_share(sure, [share(20, hits, 20 - hits)], 0.05).best for hits in (3, 10, 17)]
    assert found == [FAIL, INCONCLUSIVE, PASS]


def share(size, full, rest):
    return Tally(size, np.array([full, rest]), np.array([float(full)]), 1.0, 0)


def test_two_scopes_are_bounded_each_and_added_up():
    most = AnswerGate(name="stale", measure="stale", scope="known", at_most=0.05)
    both = [share(40, 0, 40), share(60, 0, 0)]
    assert verdicts_on_share(most, both, 0.05)[:2] == (PASS, FAIL)
    assert verdicts_on_share(most, [both[0], share(60, 6, 4)], 0.05)[:2] == (FAIL, FAIL)
    known = RETAINED[1].model_copy(update={"scope": "known"})
    assert verdicts_on_pairs(known, [pairs(40, 0, 0, 40), pairs(60, 0, 0, 60)], 0.05)[:2] == (PASS, PASS)
    assert verdicts_on_pairs(known, [pairs(40, 0, 30, 10), pairs(60, 0, 20, 5)], 0.05).best == FAIL
    assert verdicts_on_pairs(known, [pairs(40, 0, 30, 10), pairs(60, 0, 0)], 0.05)[:2] == (PASS, FAIL), "won back"


def test_all_questions_settle_it_and_clear_answers_settle_it_early():
    gate = BY_NAME["gain"]
    assert verdicts_on_pairs(gate, [pairs(100, 12, 0, expected=0)], 0.02)[:2] == (PASS, PASS)
    assert not verdicts_on_pairs(gate, [pairs(100, 4, 0, expected=0)], 0.02).settled
    assert verdicts_on_pairs(gate, [pairs(100, 0, 20, 10, expected=0)], 0.02)[:2] == (FAIL, FAIL)
    assert not verdicts_on_pairs(gate, [pairs(100, 12, 0, expected=0)], 0.0).settled, "all that is possible is kept"


def test_it_says_what_all_questions_would_say_but_for_the_stated_error():
    """Pools near the bar, where that is hardest, looked at after every other question."""
    gate, random, wrong = RETAINED[0], np.random.default_rng(7), 0
    for number in range(120):
        pool = np.array([0] * (number % 2) + [1] * (1 + number % 4))
        order = random.permutation(np.concatenate([pool, np.full(50 - len(pool), 2)]))
        tallies = [pairs(50, *seen(order, asked)) for asked in range(10, 51, 4)]
        found = (verdicts_on_pairs(gate, [tally], 0.1) for tally in tallies)
        said = next((one.best for one in found if one.settled), None)
        wrong += said is not None and said != verdicts_on_pairs(gate, [pairs(50, *seen(order, 50))], 0.1).best
    assert wrong / 120 <= 0.1
