"""A promoter that sleeps for longer than its lease, and then goes on as if nothing had happened."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable

import pytest

from abreast.core.errors import AbreastError
from abreast.lifecycle import promoter
from abreast.lifecycle.promoter import promote_version, reconcile_promotions
from abreast.tracking.registry import Registry
from tests.lifecycle.model_line import HOW, Line

LEASE_SECONDS = 0.5
Act = Callable[[Line], object]


class Stalling(Registry):
    """Stops its process before it moves the alias `at`, as a machine does that is suspended there."""

    at = "champion"

    def set_alias(self, alias: str, version: int | None) -> None:
        if alias == self.at:
            os.kill(os.getpid(), signal.SIGSTOP)
        super().set_alias(alias, version)


@pytest.fixture(autouse=True)
def short_lease(monkeypatch) -> None:
    monkeypatch.setattr(promoter, "LEASE_SECONDS", LEASE_SECONDS)


def stalled(line: Line, act: Act, at: str) -> Callable[[], object]:
    """Act in a process until it stops at that alias; gives what lets it go on, and then tells how it ended."""
    ours, theirs = multiprocessing.Pipe()

    def work() -> None:
        line.registry.__class__, Stalling.at = Stalling, at
        try:
            theirs.send(act(line))
        except AbreastError as error:
            theirs.send(error)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])

    def go_on() -> object:
        os.kill(process.pid, signal.SIGCONT)
        answer = ours.recv()
        process.join()
        return answer

    return go_on


@pytest.mark.parametrize("at", ["champion", "previous"])
def test_an_alias_that_is_moved_too_late_is_put_back_by_the_sweep(line: Line, at: str):
    line.serve(2)
    late, rival = line.register_aside(), line.register_aside()
    go_on = stalled(line, lambda line: promote_version(line.ledger, line.registry, late, **HOW), at)
    time.sleep(LEASE_SECONDS)
    promote_version(line.ledger, line.registry, rival, force=True, **HOW)
    assert line.served == (1, 2, late, rival), "the rival finished what was left open, then came itself"
    line.assert_consistent()
    line.take_back()
    line.take_back()
    assert "the lease `promoter:" in str(go_on())
    assert line.served == (1, 2)
    assert line.registry.aliases()[at] == {"champion": late, "previous": 2}[at], "moved too late"
    reconcile_promotions(line.ledger, line.registry)
    line.assert_consistent()
    assert [row.state for row in line.ledger.promotions.all(line.registry.name)] == ["done"] * 6


def test_a_sweep_that_stalls_is_put_right_by_the_next(line: Line):
    line.serve(2)
    line.registry.set_alias("champion", 1)
    go_on = stalled(line, lambda line: reconcile_promotions(line.ledger, line.registry), "champion")
    time.sleep(LEASE_SECONDS)
    line.take_back()
    line.assert_consistent()
    assert go_on() == ["alias champion set from v1 to v2"]
    assert line.registry.aliases() == {"champion": 2}
    assert reconcile_promotions(line.ledger, line.registry) == ["alias champion set from v2 to v1"]
    line.assert_consistent()
