import time

from abreast.ledger.process_id import ProcessId, free
from tests.lifecycle.ledgers import ended_process


def test_a_living_process_holds_until_its_lease_is_over():
    me = ProcessId.current()
    assert not me.gone()
    assert not free(me, time.time() + 10)
    assert free(me, time.time() - 1)


def test_a_process_that_ended_holds_nothing():
    assert free(ended_process(), time.time() + 10)
    assert free(None, time.time() + 10)


def test_a_process_id_that_was_used_again_is_another_process():
    me = ProcessId.current()
    assert me.model_copy(update={"started": me.started - 60}).gone()


def test_of_another_hosts_process_only_the_lease_tells():
    elsewhere = ProcessId(host="elsewhere", pid=1, started=0.0)
    assert not free(elsewhere, time.time() + 10)
    assert free(elsewhere, time.time() - 1)
