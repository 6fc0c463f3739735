import sqlite3

import pytest

from abreast.core.errors import AbreastError
from abreast.ledger import open_ledger
from abreast.ledger.process_id import ProcessId
from tests.lifecycle.ledgers import LINE, at_once, claim, deliver, digest_of, ended_process, judge, promote

HOW = {"reason": "shuffled labels", "actor": "test"}


def withdraw(ledger, name):
    lease = ledger.leases.take(f"promoter:{LINE}", ProcessId.current(), 60)
    try:
        return ledger.withdrawals.mark(lease, LINE, digest_of(name), **HOW)
    finally:
        ledger.leases.release(lease)


def learn(ledger, number, *names):
    """One version of these drops, promoted."""
    deliver(ledger, *names)
    judge(ledger, claim(ledger), number)
    promote(ledger, number, ledger.updates.next_parent(LINE))


def names_of(drops):
    return [drop.name for drop in drops]


def test_the_next_update_learns_what_came_since_without_the_withdrawn_drop(ledger):
    learn(ledger, 1, "first")
    learn(ledger, 2, "good", "poison")
    learn(ledger, 3, "later")
    deliver(ledger, "waits")
    mark = withdraw(ledger, "poison")
    assert (mark.digest, mark.reason, mark.actor, mark.lifted_at) == (digest_of("poison"), *HOW.values(), None)
    assert (ledger.updates.next_parent(LINE), ledger.promotions.previous(LINE), ledger.promotions.champion(LINE)) == (
        1,
        1,
        3,
    )
    assert names_of(ledger.updates.waiting(LINE)) == ["good", "later", "waits"]
    update = claim(ledger)
    assert (update.parent, update.drops) == (1, tuple(map(digest_of, ["good", "later", "waits"])))


def test_the_version_learned_without_it_serves_in_its_place_also_before_the_rollback(ledger):
    learn(ledger, 1, "first")
    learn(ledger, 2, "poison")
    learn(ledger, 3, "later")
    withdraw(ledger, "poison")
    judge(ledger, claim(ledger), 4)
    promote(ledger, 4, 1)
    assert ledger.promotions.served(LINE) == (1, 4)
    assert (ledger.updates.waiting(LINE), ledger.versions.learned(LINE, 4)) == (
        [],
        (digest_of("first"), digest_of("later")),
    )


def test_a_rollback_over_several_versions_leaves_nothing_of_them(ledger):
    for number, name in enumerate(["first", "poison", "later", "last"], start=1):
        learn(ledger, number, name)
    withdraw(ledger, "poison")
    promote(ledger, 1, 4, kind="rollback")
    assert (ledger.promotions.served(LINE), ledger.updates.next_parent(LINE)) == ((1,), 1)
    ledger.withdrawals.lift(LINE, digest_of("poison"), **HOW)
    assert ledger.promotions.served(LINE) == (1,)
    assert names_of(ledger.updates.waiting(LINE)) == ["poison", "later", "last"]


def test_where_every_champion_knew_it_the_last_serves_on_until_the_next_is_learned_from_the_base(ledger):
    learn(ledger, 1, "poison", "first")
    learn(ledger, 2, "later")
    withdraw(ledger, "poison")
    assert (ledger.promotions.champion(LINE), ledger.promotions.previous(LINE), ledger.updates.next_parent(LINE)) == (
        2,
        None,
        None,
    )
    update = claim(ledger)
    assert (update.parent, update.drops) == (None, (digest_of("first"), digest_of("later")))
    judge(ledger, update, 3)
    promote(ledger, 3, None)
    assert (ledger.promotions.served(LINE), ledger.promotions.previous(LINE)) == ((3,), None)


def test_what_knows_it_is_not_promoted_even_by_force(ledger):
    learn(ledger, 1, "first")
    deliver(ledger, "poison")
    ledger.updates.advance(judge(ledger, claim(ledger), 2), "refused", reason="waits for a person")
    withdraw(ledger, "poison")
    lease = ledger.leases.take("promoter", ProcessId.current(), 60)
    with pytest.raises(
        AbreastError, match=r"v2 has learned poison \(\w{12}\), which was withdrawn \(shuffled labels\)"
    ):
        ledger.promotions.intend(lease, LINE, 2, kind="promote", expected=1, forced=True, **HOW)
    ledger.withdrawals.lift(LINE, digest_of("poison"), **HOW)
    assert ledger.promotions.intend(lease, LINE, 2, kind="promote", expected=1, forced=True, **HOW).version == 2


@pytest.mark.parametrize("holder", [ProcessId.current(), ProcessId(host="elsewhere", pid=1, started=0.0)])
def test_an_update_at_work_on_it_has_failed_and_the_next_goes_without(ledger, holder):
    learn(ledger, 1, "first")
    deliver(ledger, "good", "poison")
    update = claim(ledger, holder=holder)
    withdraw(ledger, "poison")
    with pytest.raises(AbreastError, match=f"{update.id}"):
        ledger.updates.advance(update, "trained")
    assert "was withdrawn: shuffled labels" in ledger.updates.get(update.id).reason
    assert claim(ledger).drops == (digest_of("good"),)


def test_an_update_on_top_of_a_version_that_knows_it_has_failed(ledger):
    learn(ledger, 1, "first")
    learn(ledger, 2, "poison")
    deliver(ledger, "later")
    cut_off = claim(ledger, holder=ended_process())
    withdraw(ledger, "poison")
    assert ledger.updates.get(cut_off.id).status == "failed"
    update = claim(ledger)
    assert (update.number, update.parent, update.drops) == (cut_off.number + 1, 1, (digest_of("later"),))


def test_an_update_that_knows_nothing_of_it_goes_on(ledger):
    learn(ledger, 1, "first")
    learn(ledger, 2, "poison")
    promote(ledger, 1, 2, kind="rollback")
    deliver(ledger, "later")
    update = claim(ledger)
    withdraw(ledger, "poison")
    assert ledger.updates.advance(update, "trained").status == "trained"


def test_a_drop_that_only_waited_is_never_claimed(ledger):
    deliver(ledger, "poison", "good")
    withdraw(ledger, "poison")
    assert claim(ledger).drops == (digest_of("good"),)


def test_taken_away_before_anything_was_learned_the_mark_leaves_no_trace(ledger):
    learn(ledger, 1, "poison", "first")
    learn(ledger, 2, "later")
    withdraw(ledger, "poison")
    ledger.withdrawals.lift(LINE, digest_of("poison"), **HOW)
    assert ledger.updates.waiting(LINE) == []
    assert ledger.promotions.served(LINE) == (1, 2)
    promote(ledger, 1, 2, kind="rollback")
    assert ledger.updates.waiting(LINE) == [], "what a person rolled back waits for `retry`, as ever"


def test_a_mark_is_set_once_and_each_stays_on_record(ledger):
    deliver(ledger, "poison")
    assert withdraw(ledger, "poison") == withdraw(ledger, "poison") == ledger.withdrawals.get(LINE, digest_of("poison"))
    lifted = ledger.withdrawals.lift(LINE, digest_of("poison"), reason="it was right", actor="other")
    assert (lifted.lifted_by, lifted.lifted_reason, lifted.lifted_at is None) == ("other", "it was right", False)
    withdraw(ledger, "poison")
    assert [mark.lifted_by for mark in ledger.withdrawals.all(LINE)] == ["other", None]
    with pytest.raises(AbreastError, match="is not withdrawn"):
        ledger.withdrawals.lift("other line", digest_of("poison"), **HOW)


def test_only_what_was_accepted_can_be_withdrawn(ledger):
    ledger.drops.quarantine(digest_of("broken"), "broken", 3, ["row 1"])
    with pytest.raises(AbreastError, match=r"drop broken \(\w{12}\) is quarantined: nothing of it was learned"):
        withdraw(ledger, "broken")
    with pytest.raises(AbreastError, match="no drop"):
        withdraw(ledger, "unknown")


def test_an_old_ledger_gets_the_new_table_however_many_open_it_at_once(tmp_path):
    deliver(open_ledger("sqlite:///ledger.db", tmp_path), "first")
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        raw.execute("DROP TABLE withdrawals")
    found = at_once(lambda _: open_ledger("sqlite:///ledger.db", tmp_path).withdrawals.all(LINE), 8)
    assert found == [[]] * 8
    assert names_of(open_ledger("sqlite:///ledger.db", tmp_path).drops.all()) == ["first"]
