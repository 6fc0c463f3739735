"""Taking deliveries in, killed at every point between two writes."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from abreast.inbox.open_inbox import deliver
from abreast.ledger.process_id import ProcessId
from abreast.lifecycle.intake import arrivals, take
from abreast.services.services import Services
from tests.flows.drops import WORDS, rows, write
from tests.installation import Installation

GOOD_POINTS = ("intake.examined", "intake.stored", "intake.settled")
BAD_POINTS = ("intake.examined", "intake.quarantined", "intake.settled")


@pytest.fixture
def installation(tmp_path: Path, prefork: None) -> Installation:
    (tmp_path / "root").mkdir()
    return Installation(tmp_path / "root", {})


def take_all(installation: Installation, crash_at: str = "") -> subprocess.CompletedProcess[str]:
    return installation.run(sys.executable, "-m", "tests.lifecycle.take_all", check=False, ABREAST_CRASH_AT=crash_at)


def bring(installation: Installation, path: Path, name: str | None = None) -> Services:
    services = Services.open(installation.root)
    deliver(path, services.inbox, name)
    return services


@pytest.mark.parametrize("point", GOOD_POINTS)
def test_a_good_drop_is_neither_lost_nor_taken_twice(installation: Installation, tmp_path: Path, point: str):
    services = bring(installation, write(tmp_path / "good.jsonl", rows(WORDS, "2024-01-01")))
    assert take_all(installation, point).returncode == -signal.SIGKILL
    assert len(arrivals(services.ledger, services.inbox)) == 1
    assert take_all(installation).returncode == 0
    assert arrivals(services.ledger, services.inbox) == []
    (drop,) = services.ledger.drops.all()
    assert (drop.status, drop.accepted) == ("accepted", len(WORDS))
    assert len(services.ledger.deliveries.all()) == 1
    assert len(services.ledger.updates.waiting("abreast")) == 1


@pytest.mark.parametrize("point", BAD_POINTS)
def test_a_bad_drop_is_quarantined_once(installation: Installation, tmp_path: Path, point: str):
    services = bring(installation, write(tmp_path / "bad.jsonl", ["{", *rows({"Arvia": "Tolm"}, "2024-01-01")]))
    assert take_all(installation, point).returncode == -signal.SIGKILL
    assert take_all(installation).returncode == 0
    (drop,) = services.ledger.drops.all()
    assert drop.status == "quarantined"
    assert any("bad.jsonl" in reason and "row 1" in reason for reason in drop.reasons)
    assert len(list(services.project.home.quarantine.iterdir())) == 1


def test_a_withdrawn_drop_that_is_delivered_again_is_told_and_not_learned(installation: Installation, tmp_path: Path):
    good = write(tmp_path / "good.jsonl", rows(WORDS, "2024-01-01"))
    services = bring(installation, good)
    assert take_all(installation).returncode == 0
    lease = services.ledger.leases.take("promoter:abreast", ProcessId.current(), 60)
    services.ledger.withdrawals.mark(
        lease, "abreast", services.ledger.drops.all()[0].digest, reason="wrong join", actor="ann"
    )
    bring(installation, good, "again.jsonl")
    (delivery,) = arrivals(services.ledger, services.inbox)
    outcome = take(services.project, services.ledger, services.inbox, delivery)
    assert (outcome.outcome, services.ledger.updates.waiting("abreast")) == ("duplicate", [])
    assert "by ann (wrong join): not learned again; `abreast reinstate" in outcome.reasons[0]


def test_the_same_content_under_another_name_is_a_duplicate(installation: Installation, tmp_path: Path):
    good = write(tmp_path / "good.jsonl", rows(WORDS, "2024-01-01"))
    for name in ("good.jsonl", "other.jsonl"):
        services = bring(installation, good, name)
    assert sorted(take_all(installation).stdout.split()) == ["accepted", "duplicate"]
    assert len(services.ledger.drops.all()) == 1
