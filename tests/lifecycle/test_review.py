"""Reviews: what each decision leads to by each channel, and what a kill leaves."""

import pytest

from abreast.core.errors import AbreastError, Unavailable
from abreast.core.settings import ReviewSettings
from abreast.ledger import open_ledger
from abreast.ledger.process_id import ProcessId
from abreast.lifecycle import promoter
from abreast.lifecycle.review import LONGEST, reconcile_reviews, review, status_after_verdict
from abreast.lifecycle.review_tags import review_by_tags
from abreast.tracking.registry import Registry
from abreast.tracking.review_page import ANSWERED, ASKED, REVIEWED, with_review
from tests.lifecycle.ledgers import at_once, deliver, digest_of, killed_at
from tests.lifecycle.model_line import HOW, Line

ANN = {"reason": "ten answers read", "reviewer": "ann", "channel": "command"}
POINTS = ["review.recorded", "review.promoted", "review.settled", "review.shown"]
INSIDE = ["promoter.intended", "promoter.done"]


def decide(line: Line, version: int, decision: str = "approve", **changed):
    return review(line.ledger, line.registry, version, decision, **ANN | changed)


def known(line: Line, version: int) -> tuple[str, dict[str, str]]:
    """The page and the tags of a version in MLflow."""
    found = line.registry._get(version)
    return found.get("description", ""), {tag["key"]: tag["value"] for tag in found["tags"]}


def statuses(line: Line) -> list[str]:
    return [update.status for update in line.ledger.updates.all(line.registry.name)]


def test_a_page_is_never_longer_than_a_database_takes():
    page = with_review("line\n" * 1200, "rejected", ["too long"])
    assert (len(page) < 5000, page.endswith("line\n…")) == (True, True)
    assert with_review(with_review("rest", "waits for you", ["decide"]), "rejected", ["no"]) == (
        "## Review: rejected\n\n- no\n\n---\n\nrest"
    )


@pytest.mark.parametrize(
    ("judged", "require_approval", "end"),
    [
        ("pass", False, "promoted"),
        ("pass", True, "review"),
        ("inconclusive", False, "review"),
        ("inconclusive", True, "review"),
        ("fail", True, "refused"),
    ],
)
def test_what_waits_for_a_person(judged, require_approval, end):
    assert status_after_verdict(judged, ReviewSettings(require_approval=require_approval)) == end


@pytest.mark.usefixtures("mlflow_uri")
def test_an_approved_version_serves_and_its_page_says_who_and_why(line):
    line.serve(1)
    number = line.leave_to_review()
    line.registry.ask_for_review(number)
    assert known(line, number)[0].startswith("## Review: waits for you")
    assert line.ledger.reviews.waiting(line.registry.name) == [2]
    done = decide(line, number, reason=" ten answers\n read ")
    assert (done.outcome, done.champion, done.reviewer, done.reason) == ("promoted", 1, "ann", "ten answers read")
    assert (line.served, statuses(line), line.ledger.reviews.waiting(line.registry.name)) == (
        (1, 2),
        ["promoted"] * 2,
        [],
    )
    line.assert_consistent()
    page, tags = known(line, number)
    assert page.startswith(f"## Review: promoted\n\n- {done.summary} – v2 went into service\n\n---")
    assert page.count("## Review:") == page.count("## Verdict: pass") == page.count("### What arrived") == 1
    assert tags[REVIEWED] == f"{done.summary} (promoted)"
    assert [p.reason for p in line.ledger.promotions.all(line.registry.name)][-1] == done.summary


def test_a_rejected_version_leaves_the_champion_and_its_drops_are_not_learned_again(line):
    line.serve(1)
    number = line.leave_to_review()
    assert decide(line, number, "reject").detail == "v2 is refused, v1 stays in service"
    assert (line.served, statuses(line)) == ((1,), ["promoted", "refused"])
    assert line.ledger.updates.waiting(line.registry.name) == []
    assert known(line, number)[0].startswith("## Review: rejected")
    assert line.ledger.updates.get("u0002").reason.startswith("rejected by ann")


def test_a_version_that_waits_holds_up_no_other_and_one_that_passed_is_approved_too(line):
    line.leave_to_review()
    number = line.leave_to_review("pass")
    assert line.ledger.reviews.waiting(line.registry.name) == [1, 2]
    assert decide(line, number).outcome == "promoted"


def test_a_stale_approval_is_not_applied_and_what_it_learned_waits_for_the_next_update(line):
    line.serve(1)
    late = line.leave_to_review()
    line.serve(1)
    done = decide(line, late)
    assert (done.outcome, line.served, statuses(line)) == ("stale", (1, 3), ["promoted", "refused", "promoted"])
    assert done.detail == (
        "v2 was judged against v1, but v3 serves now: the approval is recorded and not applied; what v3 does not know"
        " of it (drop 1) waits again, and the next update learns it on top of v3 and is judged against it"
    )
    again = line.leave_to_review()
    version = line.ledger.versions.get(line.registry.name, again)
    assert (version.parent, version.drops) == (3, (digest_of("drop 1"), digest_of("drop 3")))
    assert decide(line, again).outcome == "promoted"
    page, tags = known(line, late)
    assert page.startswith("## Review: stale")
    assert tags[REVIEWED].endswith("ten answers read (stale)")


def test_what_was_learned_without_a_poisoned_champion_is_approved_beside_it(line):
    """No version that served was without the drop: v1 serves on, v2 begins at the base and is judged against it."""
    line.serve(1)
    promoter.withdraw_and_restore(
        line.ledger, line.registry, digest_of("drop 0"), reason="a join gone wrong", actor="ann"
    )
    number = line.leave_to_review()
    assert (line.served, line.ledger.versions.get(line.registry.name, number).parent) == ((1,), None)
    assert decide(line, number).outcome == "promoted"
    assert line.served == (2,)


def test_a_version_with_a_withdrawn_drop_waits_no_more_and_what_else_it_learned_does(line):
    line.serve(1)
    deliver(line.ledger, "beside it")
    number = line.leave_to_review()
    poison = digest_of(f"drop {number}")
    assert poison in line.ledger.versions.get(line.registry.name, number).drops
    promoter.withdraw_and_restore(line.ledger, line.registry, poison, reason="a join gone wrong", actor="ann")
    assert line.ledger.reviews.waiting(line.registry.name) == []
    assert [drop.name for drop in line.ledger.updates.waiting(line.registry.name)] == ["beside it"]
    with pytest.raises(AbreastError, match="its update u0002 ended as refused .* was withdrawn: a join gone wrong"):
        decide(line, number)


@pytest.mark.parametrize("otherwise", ["withdrawn", "forced"])
def test_the_page_of_a_version_that_waits_no_more_though_nobody_decided_asks_nobody(line, otherwise):
    line.serve(1)
    waits, number = line.leave_to_review(), line.leave_to_review()
    for version in (waits, number):
        line.registry.ask_for_review(version)
    if otherwise == "withdrawn":
        poison = digest_of(f"drop {number - 1}")
        promoter.withdraw_and_restore(line.ledger, line.registry, poison, reason="a join gone wrong", actor="ann")
        why = "v3 does not wait for review: its update u0003 ended as refused (drop "
    else:
        promoter.promote_version(line.ledger, line.registry, number, force=True, **HOW)
        why = "v3 serves already"
    assert [said.split(why)[0] for said in reconcile_reviews(line.ledger, line.registry)] == ["page of v3: "]
    assert known(line, number)[0].startswith(f"## Review: waits no more\n\n- {why}")
    assert known(line, waits)[0].startswith("## Review: waits for you")
    assert (reconcile_reviews(line.ledger, line.registry), line.registry.asking()) == ([], [waits])
    decide(line, waits, "reject")
    assert line.registry.asking() == []


def test_a_page_of_a_version_that_the_ledger_does_not_know_asks_nobody(line, tmp_path):
    number = line.leave_to_review()
    line.registry.ask_for_review(number)
    assert reconcile_reviews(open_ledger(f"sqlite:///{tmp_path}/another.db", tmp_path), line.registry) == [
        f"page of v{number}: no version v{number} of {line.registry.name}; `abreast history` lists them"
    ]
    assert line.registry.asking() == []


def test_a_champion_that_changes_between_decision_and_promotion_makes_it_stale(line):
    late, rival = line.leave_to_review(), line.leave_to_review("pass")
    row = line.ledger.reviews.decide(line.registry.name, late, decision="approve", **ANN)
    promoter.promote_version(line.ledger, line.registry, rival, **HOW)
    assert row.outcome is None
    assert reconcile_reviews(line.ledger, line.registry)[0].startswith(
        "review of v1 finished: v1 was judged against no champion"
    )
    assert [one.outcome for one in line.ledger.reviews.all(line.registry.name)] == ["stale"]


def test_a_kill_at_any_point_of_an_approval_is_repaired_by_a_sweep(line, monkeypatch):
    line.serve(1)
    for point in [*POINTS, *INSIDE]:
        number = line.leave_to_review()
        killed_at(point, lambda n=number: decide(line, n), monkeypatch)
        promoter.reconcile_promotions(line.ledger, line.registry)
        reconcile_reviews(line.ledger, line.registry)
        line.assert_consistent()
        assert line.served[-1] == number
        assert known(line, number)[0].startswith("## Review: promoted")
        assert reconcile_reviews(line.ledger, line.registry) == []
    assert [one.outcome for one in line.ledger.reviews.all(line.registry.name)] == ["promoted"] * len(
        [*POINTS, *INSIDE]
    )


def test_a_kill_after_a_rejection_is_repaired_by_a_sweep(line, monkeypatch):
    for point in ("review.recorded", "review.settled", "review.shown"):
        number = line.leave_to_review()
        killed_at(point, lambda n=number: decide(line, n, "reject"), monkeypatch)
        assert reconcile_reviews(line.ledger, line.registry) == [
            f"review of v{number} finished: v{number} is refused, nothing serves yet"
        ]
        assert known(line, number)[0].startswith("## Review: rejected")
    assert set(statuses(line)) == {"refused"}


def test_an_approval_that_was_carried_out_before_the_kill_stays_promoted_whatever_serves_since(line, monkeypatch):
    number = line.leave_to_review()
    killed_at("promoter.done", lambda: decide(line, number), monkeypatch)
    line.serve(1)
    reconcile_reviews(line.ledger, line.registry)
    assert [one.outcome for one in line.ledger.reviews.all(line.registry.name)] == ["promoted"]
    assert line.served == (1, 2)


def test_mlflow_gone_leaves_the_decision_to_the_sweep(line):
    line.serve(1)
    approved, down = line.leave_to_review(), Registry("http://127.0.0.1:1", line.registry.name)
    with pytest.raises(Unavailable, match="v2 was approved by ann .* the next sweep carries it out: MLflow"):
        review(line.ledger, down, approved, "approve", **ANN)
    assert line.served == (1,)
    rejected = line.leave_to_review()
    assert review(line.ledger, down, rejected, "reject", **ANN).outcome == "rejected"
    assert reconcile_reviews(line.ledger, line.registry) == [
        "review of v2 finished: v2 went into service",
        "review of v3 finished: v3 is refused, v1 stays in service",
    ]
    assert known(line, rejected)[0].startswith("## Review: rejected")


def test_a_version_whose_files_are_wrong_goes_on_waiting(line):
    number = line.leave_to_review()
    line.registry._tag(number, "abreast.digest", "0" * 64)
    done = decide(line, number)
    assert done.outcome == "reverted"
    assert "in the ledger; v1 still waits for review" in done.detail
    assert decide(line, number, "reject").outcome == "rejected"
    page, _ = known(line, number)
    assert page.index("rejected by ann") < page.index("approved by ann")


def test_an_approval_whose_promoter_was_overtaken_stays_open_until_its_intent_is_settled(line):
    number = line.leave_to_review()
    row = line.ledger.reviews.decide(line.registry.name, number, decision="approve", **ANN)
    late = line.ledger.leases.take(
        f"promoter:{line.registry.name}", ProcessId(host="elsewhere", pid=1, started=0.0), -1
    )
    intent = {"kind": "promote", "expected": None, "forced": False, "reason": row.summary, "actor": "ann"}
    line.ledger.promotions.intend(late, line.registry.name, number, **intent)
    assert line.ledger.reviews.follow_up(row, failed="the lease was taken by another process").outcome is None
    promoter.reconcile_promotions(line.ledger, line.registry)
    assert reconcile_reviews(line.ledger, line.registry) == ["review of v1 finished: v1 went into service"]


def test_of_eight_reviewers_at_once_one_decides_and_the_others_are_told(line):
    number = line.leave_to_review()
    found = at_once(lambda n: decide(line, number, "reject" if n % 2 else "approve", reviewer=f"r{n}").outcome, 8)
    assert sum(isinstance(one, str) for one in found) == 1, found
    assert all("v1" in str(one) for one in found if isinstance(one, AbreastError))
    assert len(line.ledger.reviews.all(line.registry.name)) == 1
    reconcile_reviews(line.ledger, line.registry)
    line.assert_consistent()


def test_what_cannot_be_reviewed_is_told_in_one_line(line):
    line.serve(1)
    failed = line.register("fail")
    with pytest.raises(Unavailable, match=r"v2 cannot be reviewed yet: its update u0002 has not ended \(judged\)"):
        decide(line, failed)
    live = line.ledger.updates.live(line.registry.name)
    line.ledger.updates.advance(
        live, "refused", reason="all gates", held_up=["retention: measured 0.5, needed at least 0.9"]
    )
    rejected, approved = line.leave_to_review(), line.leave_to_review()
    decide(line, rejected, "reject")
    decide(line, approved)
    for version, decision, said in (
        (1, "approve", "v1 has served already and does not wait for review; to put it into service"),
        (
            failed,
            "approve",
            "it failed: retention: measured 0.5, needed at least 0.9; fix .*`promote` with `force`",
        ),
        (failed, "reject", "v2 does not wait for review, it failed: .*; it is refused already"),
        (rejected, "approve", "v3 waits for review no more, it was rejected by ann .*: ten answers read"),
        (rejected, "reject", "v3 waits for review no more, it was rejected by ann"),
        (approved, "approve", "v4 serves already; it was approved by ann"),
        (approved, "reject", "v4 serves; what serves is taken back with `abreast rollback"),
        (9, "approve", "no version v9 of .*; `abreast history` lists them"),
    ):
        with pytest.raises(AbreastError, match=said) as refusal:
            decide(line, version, decision)
        assert "\n" not in str(refusal.value)
    assert len(line.ledger.reviews.all(line.registry.name)) == 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reason": " \n"}, "a review needs a reason"),
        ({"reason": "x" * (LONGEST + 1)}, "has 1001 characters; 1000 at most"),
        ({"reviewer": ""}, "a review needs a reviewer"),
    ],
)
def test_a_review_needs_a_reason_and_a_name(line, changed, said):
    with pytest.raises(AbreastError, match=said):
        decide(line, 1, **changed)


def test_drops_of_a_version_that_waits_cannot_be_tried_again(line):
    line.leave_to_review()
    with pytest.raises(AbreastError, match="u0001 waits for review; reject its version first"):
        line.ledger.updates.retry("u0001")


def test_a_tag_in_mlflow_is_taken_once_and_answered_beside_it(line):
    first, second = line.leave_to_review(), line.leave_to_review()
    line.registry._tag(first, ASKED, "Reject by Ann Lee:  dates of  Debian are wrong ")
    line.registry._tag(second, ASKED, "approve: good")
    assert review_by_tags(line.ledger, line.registry) == [
        "tag on v1: v1 is refused, nothing serves yet",
        "tag on v2: v2 went into service",
    ]
    rows = [
        (one.decision, one.reviewer, one.reason, one.channel) for one in line.ledger.reviews.all(line.registry.name)
    ]
    assert rows == [
        ("reject", "Ann Lee", "dates of Debian are wrong", "mlflow"),
        ("approve", "someone in MLflow", "good", "mlflow"),
    ]
    assert known(line, second)[1][ANSWERED] == '"approve: good": v2 went into service'
    assert review_by_tags(line.ledger, line.registry) == []


def test_a_tag_that_is_not_understood_is_answered_with_what_would_be_right(line):
    number = line.leave_to_review()
    for asked in ("yes", "approve", "approve: ", "aprove: good", "approve good"):
        line.registry._tag(number, ASKED, asked)
        (said,) = review_by_tags(line.ledger, line.registry)
        assert "not understood; write `approve: your reason`, `reject: your reason`" in said
        assert known(line, number)[1][ANSWERED].startswith(f'"{asked}": not understood')
        assert review_by_tags(line.ledger, line.registry) == []
    line.registry._tag(number, ASKED, "approve: good")
    assert review_by_tags(line.ledger, line.registry) == ["tag on v1: v1 went into service"]


def test_a_tag_on_a_version_that_does_not_wait_is_answered_and_one_that_comes_early_is_left(line):
    line.serve(1)
    early = line.register("inconclusive")
    line.registry._tag(1, ASKED, "reject: old")
    line.registry._tag(early, ASKED, "approve: good")
    served, left = review_by_tags(line.ledger, line.registry)
    assert served.startswith("tag on v1: v1 serves; what serves is taken back")
    assert left.startswith("tag on v2: left to the next sweep: v2 cannot be reviewed yet")
    line.ledger.updates.advance(line.ledger.updates.live(line.registry.name), "review", reason="undecided")
    assert review_by_tags(line.ledger, line.registry) == ["tag on v2: v2 went into service"]


@pytest.mark.parametrize("point", ["review.recorded", "review.taken", "review.answered"])
def test_a_kill_while_a_tag_is_taken_leaves_one_review_and_one_answer(line, monkeypatch, point):
    number = line.leave_to_review()
    line.registry._tag(number, ASKED, "approve: good")
    killed_at(point, lambda: review_by_tags(line.ledger, line.registry), monkeypatch)
    promoter.reconcile_promotions(line.ledger, line.registry)
    reconcile_reviews(line.ledger, line.registry)
    review_by_tags(line.ledger, line.registry)
    assert [one.outcome for one in line.ledger.reviews.all(line.registry.name)] == ["promoted"]
    assert known(line, number)[1][ANSWERED] == '"approve: good": v1 went into service'
    line.assert_consistent()
