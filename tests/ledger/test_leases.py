import pytest

from abreast.core.errors import AbreastError
from abreast.ledger.process_id import ProcessId
from tests.lifecycle.ledgers import at_once, ended_process

ME = ProcessId.current()
ELSEWHERE = ProcessId(host="elsewhere", pid=1, started=0.0)


def test_one_holds_a_lease_until_it_is_given_back(ledger):
    lease = ledger.leases.take("a", ME, 60)
    assert ledger.leases.take("a", ELSEWHERE, 60) is None
    assert ledger.leases.take("b", ELSEWHERE, 60) is not None
    ledger.leases.release(lease)
    assert ledger.leases.take("a", ELSEWHERE, 60).fence == lease.fence + 1


def test_of_many_who_take_a_lease_one_gets_it(ledger):
    taken = at_once(lambda _: ledger.leases.take("a", ELSEWHERE, 60), 8)
    assert sum(lease is not None for lease in taken) == 1


def test_a_dead_holders_lease_is_free_at_once(ledger):
    ledger.leases.take("a", ended_process(), 60)
    assert ledger.leases.take("a", ME, 60) is not None


def test_who_lost_a_lease_is_told_and_cannot_end_the_new_one(ledger):
    late = ledger.leases.take("a", ELSEWHERE, -1)
    ledger.leases.take("a", ME, 60)
    with pytest.raises(AbreastError, match="`a` was taken by another process"):
        ledger.leases.renew(late, 60)
    ledger.leases.release(late)
    assert ledger.leases.take("a", ELSEWHERE, 60) is None


def test_a_kept_lease_lasts(ledger):
    lease = ledger.leases.take("a", ELSEWHERE, -1)
    ledger.leases.renew(lease, 60)
    assert ledger.leases.take("a", ME, 60) is None
