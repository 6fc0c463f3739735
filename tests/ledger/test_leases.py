import pytest

from abreast.core.errors import AbreastError
from abreast.ledger.process_id import Holder
from tests.lifecycle.ledgers import at_once, ended_process

ME = Holder.current()
ELSEWHERE = Holder(host="elsewhere", pid=1, started=0.0)


def test_one_holds_a_lease_until_it_is_given_back(ledger):
    lease = ledger.take_lease("a", ME, 60)
    assert ledger.take_lease("a", ELSEWHERE, 60) is None
    assert ledger.take_lease("b", ELSEWHERE, 60) is not None
    ledger.end_lease(lease)
    assert ledger.take_lease("a", ELSEWHERE, 60).fence == lease.fence + 1


def test_of_many_who_take_a_lease_one_gets_it(ledger):
    taken = at_once(lambda _: ledger.take_lease("a", ELSEWHERE, 60), 8)
    assert sum(lease is not None for lease in taken) == 1


def test_a_dead_holders_lease_is_free_at_once(ledger):
    ledger.take_lease("a", ended_process(), 60)
    assert ledger.take_lease("a", ME, 60) is not None


def test_who_lost_a_lease_is_told_and_cannot_end_the_new_one(ledger):
    late = ledger.take_lease("a", ELSEWHERE, -1)
    ledger.take_lease("a", ME, 60)
    with pytest.raises(AbreastError, match="`a` was taken by another process"):
        ledger.keep_lease(late, 60)
    ledger.end_lease(late)
    assert ledger.take_lease("a", ELSEWHERE, 60) is None


def test_a_kept_lease_lasts(ledger):
    lease = ledger.take_lease("a", ELSEWHERE, -1)
    ledger.keep_lease(lease, 60)
    assert ledger.take_lease("a", ME, 60) is None
