from tests.lifecycle.ledgers import POINTER, at_once, deliver, digest_of, drop_info


def test_a_drop_is_accepted_once_and_keeps_its_pointer_and_place(ledger):
    deliver(ledger, "first", "second")
    assert not ledger.drops.accept(drop_info("first"), POINTER, "another name", "inbox/other")
    first, second = ledger.drops.all("accepted")
    assert (first.seq, first.name, first.pointer, first.kinds) == (1, "first", POINTER, {"fact": 2})
    assert second.seq == 2
    assert ledger.drops.get(digest_of("first")) == first
    assert ledger.drops.get("unknown") is None


def test_of_many_who_accept_one_drop_one_wins(ledger):
    won = at_once(lambda _: ledger.drops.accept(drop_info("one"), POINTER, "one", None), 8)
    assert sorted(won) == [False] * 7 + [True]


def test_many_accepted_at_once_get_numbers_without_gaps(ledger):
    at_once(lambda number: deliver(ledger, f"drop {number}"), 8)
    assert sorted(drop.seq for drop in ledger.drops.all()) == list(range(1, 9))


def test_a_quarantined_drop_keeps_its_reasons_and_can_still_be_accepted(ledger):
    assert ledger.drops.quarantine(digest_of("bad"), "bad", 3, ["a.csv row 2: no key"])
    (drop,) = ledger.drops.all("quarantined")
    assert (drop.seq, drop.rows, drop.reasons, drop.pointer) == (None, 3, ("a.csv row 2: no key",), None)
    deliver(ledger, "bad")
    assert ledger.drops.all("quarantined") == []
    assert ledger.drops.get(digest_of("bad")).reasons == ()


def test_an_accepted_drop_is_never_quarantined(ledger):
    deliver(ledger, "good")
    assert not ledger.drops.quarantine(digest_of("good"), "good", 3, ["too late"])
    assert [drop.status for drop in ledger.drops.all()] == ["accepted"]


def test_a_delivery_is_seen_by_address_and_fingerprint(ledger):
    ledger.deliveries.record("inbox/a", "1:2", "digest", "accepted", "a")
    ledger.deliveries.record("inbox/a", "1:2", "digest", "duplicate", "a")
    assert ledger.deliveries.seen("inbox/a", "1:2")
    assert not ledger.deliveries.seen("inbox/a", "1:3")
    assert not ledger.deliveries.seen("inbox/b", "1:2")
    ledger.deliveries.record("inbox/b", "1:4", None, "quarantined", "b")
    assert ledger.deliveries.all_seen() == {("inbox/a", "1:2"), ("inbox/b", "1:4")}
    assert [delivery.outcome for delivery in ledger.deliveries.all()] == ["accepted", "quarantined"]
