import pytest

from abreast.core.errors import AbreastError
from abreast.ledger.process_id import ProcessId
from tests.lifecycle.ledgers import LINE, claim, deliver, judge, promote

ME = ProcessId.current()
HOW = {"kind": "promote", "forced": False, "reason": "better", "actor": "test"}


def judged_versions(ledger, *numbers):
    """Versions that all have the present champion as their parent."""
    for number in numbers:
        deliver(ledger, f"drop {number}")
        ledger.updates.advance(judge(ledger, claim(ledger), number), "refused", reason="waits for a person")


def serve(ledger, *numbers):
    for number in numbers:
        judged_versions(ledger, number)
        promote(ledger, number, ledger.promotions.champion(LINE))


def test_nothing_serves_before_the_first_promotion(ledger):
    assert (ledger.promotions.champion(LINE), ledger.promotions.previous(LINE), ledger.promotions.served(LINE)) == (
        None,
        None,
        (),
    )
    assert ledger.promotions.last(LINE) is None


def test_rollbacks_lead_back_one_by_one_and_never_forth_again(ledger):
    serve(ledger, 1, 2, 3)
    assert (ledger.promotions.champion(LINE), ledger.promotions.previous(LINE)) == (3, 2)
    promote(ledger, 2, 3, kind="rollback")
    assert (ledger.promotions.champion(LINE), ledger.promotions.previous(LINE)) == (2, 1)
    assert (ledger.promotions.last(LINE).version, ledger.promotions.last(LINE).kind) == (2, "rollback")
    promote(ledger, 1, 2, kind="rollback")
    assert (ledger.promotions.champion(LINE), ledger.promotions.previous(LINE)) == (1, None)
    serve(ledger, 4)
    assert ledger.promotions.served(LINE) == (1, 4)


def test_an_intent_alone_moves_nothing_and_admits_no_other(ledger):
    judged_versions(ledger, 1, 2)
    lease = ledger.leases.take("promoter", ME, 60)
    intent = ledger.promotions.intend(lease, LINE, 1, expected=None, **HOW)
    assert ledger.promotions.champion(LINE) is None
    assert ledger.promotions.open_intent(LINE) == intent
    with pytest.raises(AbreastError, match="v1 of line is half promoted"):
        ledger.promotions.intend(lease, LINE, 2, expected=None, **HOW)
    ledger.promotions.revert(lease, intent, "its files are gone")
    assert (ledger.promotions.champion(LINE), ledger.promotions.open_intent(LINE)) == (None, None)
    assert [row.outcome for row in ledger.promotions.all(LINE)] == ["its files are gone"]
    assert ledger.promotions.last(LINE) is None


def test_what_was_judged_against_a_former_champion_is_refused_unless_forced(ledger):
    judged_versions(ledger, 1, 2)
    promote(ledger, 1, None)
    lease = ledger.leases.take("promoter", ME, 60)
    with pytest.raises(AbreastError, match="v2 was judged against no champion, but v1 serves now"):
        ledger.promotions.intend(lease, LINE, 2, expected=None, **HOW)
    intent = ledger.promotions.intend(lease, LINE, 2, expected=None, **(HOW | {"forced": True}))
    assert (intent.before, intent.forced) == (1, True)


def test_who_lost_the_lease_can_write_nothing(ledger):
    judged_versions(ledger, 1)
    late = ledger.leases.take("promoter", ProcessId(host="elsewhere", pid=1, started=0.0), -1)
    intent = ledger.promotions.intend(late, LINE, 1, expected=None, **HOW)
    ledger.leases.take("promoter", ME, 60)
    for act in (
        lambda: ledger.promotions.complete(late, intent),
        lambda: ledger.promotions.revert(late, intent, "x"),
        lambda: ledger.promotions.intend(late, LINE, 1, expected=None, **HOW),
    ):
        with pytest.raises(AbreastError, match="taken by another process"):
            act()
    assert ledger.promotions.champion(LINE) is None


def test_a_promotion_ends_its_update_in_the_same_transaction(ledger):
    deliver(ledger, "first")
    update = judge(ledger, claim(ledger), 1)
    promote(ledger, 1, None)
    assert ledger.updates.get(update.id).status == "promoted"
    assert ledger.updates.advance(update, "promoted").status == "promoted"
    assert ledger.updates.live(LINE) is None
