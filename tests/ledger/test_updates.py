import pytest

from abreast.core.errors import AbreastError
from abreast.ledger.process_id import ProcessId
from abreast.ledger.updates import ATTEMPTS, RESUMPTIONS
from tests.lifecycle.ledgers import LINE, at_once, claim, deliver, ended_process, judge, promote

ELSEWHERE = ProcessId(host="elsewhere", pid=1, started=0.0)


def test_a_claim_takes_all_that_waits_in_the_order_of_acceptance(ledger):
    digests = deliver(ledger, "first", "second", "third")
    assert [drop.digest for drop in ledger.updates.waiting(LINE)] == digests
    update = claim(ledger)
    assert (update.id, update.drops, update.parent, update.attempt) == ("u0001", tuple(digests), None, 1)
    assert ledger.updates.waiting(LINE) == []
    assert ledger.updates.running(LINE) == ledger.updates.get("u0001") == update


def test_nothing_waits(ledger):
    assert claim(ledger) is None


def test_of_sixteen_who_claim_at_once_one_wins(ledger):
    digests = deliver(ledger, "first", "second")
    won = [update for update in at_once(lambda _: claim(ledger, holder=ELSEWHERE), 16) if update is not None]
    assert [set(update.drops) for update in won] == [set(digests)]


def test_drops_that_arrive_while_one_learns_wait_for_the_next(ledger):
    deliver(ledger, "first")
    first = claim(ledger)
    (late,) = deliver(ledger, "late")
    assert claim(ledger) is None
    judge(ledger, first, 1)
    promote(ledger, 1, None)
    second = claim(ledger)
    assert (second.id, second.drops, second.parent) == ("u0002", (late,), 1)


def test_two_lines_learn_the_same_drops(ledger):
    digests = deliver(ledger, "first")
    assert claim(ledger).drops == tuple(digests)
    assert ledger.updates.claim("other", "c0", ProcessId.current(), 60).drops == tuple(digests)


def test_the_same_update_is_resumed_when_its_process_is_gone(ledger):
    deliver(ledger, "first")
    cut_off = claim(ledger, commit="c0", holder=ended_process())
    deliver(ledger, "late")
    assert ledger.updates.running(LINE) is None
    resumed = claim(ledger, commit="c1")
    assert (resumed.id, resumed.drops, resumed.parent, resumed.commit) == ("u0001", cut_off.drops, None, "c0")
    assert (resumed.attempt, resumed.fence) == (2, 2)


def test_the_same_update_is_resumed_when_its_lease_is_over(ledger):
    deliver(ledger, "first")
    claim(ledger, holder=ELSEWHERE, lease=-1)
    assert claim(ledger).attempt == 2


def test_of_sixteen_who_resume_at_once_one_wins(ledger):
    deliver(ledger, "first")
    claim(ledger, holder=ELSEWHERE, lease=-1)
    won = [update for update in at_once(lambda _: claim(ledger, holder=ELSEWHERE), 16) if update is not None]
    assert [update.attempt for update in won] == [2]


def test_whoever_lost_the_update_can_neither_advance_nor_renew_nor_release(ledger):
    deliver(ledger, "first")
    late = claim(ledger, holder=ELSEWHERE, lease=-1)
    claim(ledger)
    for act in (
        lambda: ledger.updates.advance(late, "trained"),
        lambda: ledger.updates.advance(late, "failed", reason="x"),
        lambda: ledger.updates.renew(late, 60),
        lambda: ledger.updates.release(late, "x"),
    ):
        with pytest.raises(AbreastError, match="u0001 was taken over by another process"):
            act()
    assert ledger.updates.get("u0001").status == "claimed"


def test_a_renewed_lease_lasts(ledger):
    deliver(ledger, "first")
    update = claim(ledger, holder=ELSEWHERE, lease=-1)
    ledger.updates.renew(update, 60)
    assert claim(ledger) is None


def test_a_released_update_is_resumed_without_counting(ledger):
    deliver(ledger, "first")
    ledger.updates.release(claim(ledger), "MLflow does not answer")
    assert ledger.updates.live(LINE).reason == "MLflow does not answer"
    for _ in range(RESUMPTIONS + 2):
        resumed = claim(ledger)
        assert (resumed.id, resumed.attempt) == ("u0001", 1)
        ledger.updates.release(resumed, "MLflow does not answer")


def test_an_update_that_is_always_cut_off_fails_in_the_end(ledger):
    deliver(ledger, "first")
    for attempt in range(1, RESUMPTIONS + 2):
        assert claim(ledger, holder=ELSEWHERE, lease=-1).attempt == attempt
    assert claim(ledger).id == "u0002"
    assert ledger.updates.get("u0001").status == "failed"
    assert "cut off 6 times" in ledger.updates.get("u0001").reason


def test_facts_gather_on_the_way_and_repeated_steps_never_lead_back(ledger):
    deliver(ledger, "first")
    update = claim(ledger)
    ledger.updates.advance(update, "trained", seconds=12)
    ledger.updates.advance(update, "registered", version=1)
    again = ledger.updates.advance(update, "trained", seconds=13)
    assert (again.status, again.facts) == ("registered", {"seconds": 13, "version": 1})


def test_a_step_cannot_be_left_out(ledger):
    deliver(ledger, "first")
    with pytest.raises(AbreastError, match="u0001 is claimed: it cannot become judged before trained"):
        ledger.updates.advance(claim(ledger), "judged")


def test_a_refused_update_keeps_its_drops_and_the_next_starts_from_the_champion_without_them(ledger):
    deliver(ledger, "first")
    judge(ledger, claim(ledger), 1)
    promote(ledger, 1, None)
    deliver(ledger, "harmful")
    refused = judge(ledger, claim(ledger), 2, verdict="fail")
    refused = ledger.updates.advance(refused, "refused", reason="measured 0.5, needed 0.9")
    assert (refused.status, refused.reason) == ("refused", "measured 0.5, needed 0.9")
    assert claim(ledger) is None
    (later,) = deliver(ledger, "later")
    third = claim(ledger)
    assert (third.drops, third.parent) == ((later,), 1)
    assert ledger.versions.learned(LINE, 1) == ledger.versions.all(LINE)[0].drops


def test_an_end_said_twice_is_one_end(ledger):
    deliver(ledger, "first")
    update = judge(ledger, claim(ledger), 1, verdict="fail")
    ledger.updates.advance(update, "refused", reason="a")
    assert ledger.updates.advance(update, "refused", reason="a").status == "refused"
    with pytest.raises(AbreastError, match="taken over|has ended"):
        ledger.updates.advance(update, "promoted")


def test_a_failed_update_needs_a_reason_and_its_drops_are_tried_again_a_few_times(ledger):
    digests = deliver(ledger, "breaks")
    with pytest.raises(AbreastError, match="reason"):
        ledger.updates.advance(claim(ledger), "failed")
    for attempt in range(1, ATTEMPTS + 1):
        update = ledger.updates.live(LINE) or claim(ledger, commit=f"c{attempt}")
        assert update.drops == tuple(digests)
        ledger.updates.advance(update, "failed", reason=f"attempt {attempt}")
    assert claim(ledger) is None
    assert [update.reason for update in ledger.updates.all(LINE)] == ["attempt 1", "attempt 2", "attempt 3"]
    assert ledger.updates.retry("u0003") == tuple(digests)
    assert claim(ledger).drops == tuple(digests)


def test_a_drop_that_breaks_every_update_does_not_hold_up_the_others_for_good(ledger):
    deliver(ledger, "breaks")
    for _ in range(ATTEMPTS - 1):
        ledger.updates.advance(claim(ledger), "failed", reason="x")
    (good,) = deliver(ledger, "good")
    together = claim(ledger)
    assert len(together.drops) == 2
    ledger.updates.advance(together, "failed", reason="x")
    assert claim(ledger).drops == (good,)


def test_retry_lets_a_refused_update_be_learned_again_but_not_a_serving_or_a_running_one(ledger):
    digests = deliver(ledger, "first")
    running = claim(ledger)
    with pytest.raises(AbreastError, match="not ended"):
        ledger.updates.retry("u0001")
    ledger.updates.advance(judge(ledger, running, 1, verdict="fail"), "refused", reason="x")
    assert ledger.updates.retry("u0001") == tuple(digests)
    judge(ledger, claim(ledger), 2)
    promote(ledger, 2, None)
    with pytest.raises(AbreastError, match="u0002 was promoted and the champion knows its drops"):
        ledger.updates.retry("u0002")


def test_retry_after_a_rollback(ledger):
    deliver(ledger, "first")
    judge(ledger, claim(ledger), 1)
    promote(ledger, 1, None)
    digests = deliver(ledger, "second")
    judge(ledger, claim(ledger), 2)
    promote(ledger, 2, 1)
    promote(ledger, 1, 2, kind="rollback")
    assert claim(ledger) is None
    assert ledger.updates.retry("u0002") == tuple(digests)
    assert (claim(ledger).drops, ledger.updates.live(LINE).parent) == (tuple(digests), 1)


@pytest.mark.parametrize("name", ["u0099", "nonsense", "v1"])
def test_an_unknown_update_is_named(ledger, name):
    with pytest.raises(AbreastError, match=name):
        ledger.updates.get(name)
