import pytest

from abreast.core.errors import AbreastError
from abreast.storage.dvc_cache import Pointer
from tests.lifecycle.ledgers import LINE, POINTER, claim, deliver, ended_process, judge, promote

FILE = Pointer(md5="abc", size=5)


def test_a_version_holds_all_that_history_tells(ledger):
    digests = deliver(ledger, "first", "second")
    update = claim(ledger)
    measured = {"candidate": {"stale_rate": 0.0, "retained_exact_match": None}}
    stored = {"digest": "d1", "model": POINTER, "knowledge": FILE, "metrics": measured}
    for verdict, reasons in (("pass", []), ("inconclusive", ["measured 3 questions, needed 5"])):
        ledger.versions.add(1, update, **stored, verdict=verdict, reasons=reasons)
    (version,) = ledger.versions.all(LINE)
    assert version == ledger.versions.get(LINE, 1)
    assert (version.name, version.update, version.parent, version.drops) == ("v1", 1, None, tuple(digests))
    assert (version.verdict, version.reasons) == ("inconclusive", ("measured 3 questions, needed 5",))
    assert (version.digest, version.model, version.knowledge, version.metrics) == ("d1", POINTER, FILE, measured)


def test_one_update_makes_one_version(ledger):
    deliver(ledger, "first")
    update = claim(ledger)
    stored = {"model": POINTER, "knowledge": FILE, "metrics": {}, "verdict": "pass", "reasons": []}
    ledger.versions.add(1, update, digest="d1", **stored)
    with pytest.raises(AbreastError, match="v1 is recorded for u0001, not v2"):
        ledger.versions.add(2, update, digest="d1", **stored)
    with pytest.raises(AbreastError, match="v1 of u0001 is recorded with other files"):
        ledger.versions.add(1, update, digest="d2", **stored)


def test_a_version_and_the_step_of_its_update_are_one_transaction(ledger):
    deliver(ledger, "first")
    late = claim(ledger, holder=ended_process())
    stored = {"digest": "d", "model": POINTER, "knowledge": FILE, "metrics": {}, "verdict": "pass", "reasons": []}
    present = claim(ledger)
    with pytest.raises(AbreastError, match="u0001 was taken over by another process"):
        ledger.versions.add(1, late, **stored)
    assert (ledger.versions.all(LINE), ledger.updates.get("u0001").status) == ([], "claimed")
    ledger.versions.add(1, present, **stored)
    judged = ledger.updates.get("u0001")
    assert (judged.status, judged.facts) == ("judged", {"version": 1, "digest": "d"})


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
