import pytest

from abreast.core.errors import AbreastError
from abreast.storage.dvc_cache import Pointer
from tests.lifecycle.ledgers import LINE, POINTER, claim, deliver, judge, promote

FILE = Pointer(md5="abc", size=5)


def test_a_version_holds_all_that_history_tells(ledger):
    digests = deliver(ledger, "first", "second")
    update = claim(ledger)
    measured = {"candidate": {"stale_rate": 0.0, "retained_exact_match": None}}
    for _ in range(2):
        ledger.versions.add(1, update, digest="d1", model=POINTER, knowledge=FILE, metrics=measured)
    ledger.versions.judge(LINE, 1, "inconclusive", ["measured 3 questions, needed 5"])
    (version,) = ledger.versions.all(LINE)
    assert version == ledger.versions.get(LINE, 1)
    assert (version.name, version.update, version.parent, version.drops) == ("v1", 1, None, tuple(digests))
    assert (version.verdict, version.reasons) == ("inconclusive", ("measured 3 questions, needed 5",))
    assert (version.digest, version.model, version.knowledge, version.metrics) == ("d1", POINTER, FILE, measured)


def test_one_update_makes_one_version(ledger):
    deliver(ledger, "first")
    update = claim(ledger)
    ledger.versions.add(1, update, digest="d1", model=POINTER, knowledge=FILE, metrics={})
    with pytest.raises(AbreastError, match="v1 is recorded for u0001, not v2"):
        ledger.versions.add(2, update, digest="d1", model=POINTER, knowledge=FILE, metrics={})
    with pytest.raises(AbreastError, match="v1 of u0001 is recorded with other files"):
        ledger.versions.add(1, update, digest="d2", model=POINTER, knowledge=FILE, metrics={})


def test_lineage_leads_through_the_parents_and_leaves_refused_versions_out(ledger):
    first = deliver(ledger, "first")
    judge(ledger, claim(ledger), 1)
    promote(ledger, 1, None)
    deliver(ledger, "refused")
    ledger.updates.advance(judge(ledger, claim(ledger), 2, verdict="fail"), "refused", reason="x")
    third = deliver(ledger, "third")
    judge(ledger, claim(ledger), 3)
    assert ledger.versions.lineage(LINE, 3) == (3, 1)
    assert ledger.versions.learned(LINE, 3) == (*first, *third)


def test_an_unknown_version_is_named(ledger):
    with pytest.raises(AbreastError, match="no version v7 of line"):
        ledger.versions.get(LINE, 7)
    with pytest.raises(AbreastError, match="no version v7 of line"):
        ledger.versions.judge(LINE, 7, "pass", [])
