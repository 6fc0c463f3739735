"""Promotions: kills, crowds, and rollbacks. The log and the aliases must agree in the end."""

import random
import signal
import time

import pytest

from abreast.core.errors import AbreastError, Unavailable
from abreast.lifecycle.promoter import promote_version, reconcile_promotions, restore_previous
from abreast.tracking.registry import Registry
from tests.lifecycle.ledgers import at_once, killed_at, start
from tests.lifecycle.model_line import HOW

BEFORE_INTENT = ["promoter.leased"]
AFTER_INTENT = ["promoter.intended", "promoter.checked", "promoter.champion", "promoter.previous", "promoter.done"]


@pytest.mark.usefixtures("mlflow_uri")
def test_promotions_move_champion_and_previous_and_are_said_once(line):
    line.serve(2)
    assert line.registry.aliases() == {"champion": 2, "previous": 1}
    again = promote_version(line.ledger, line.registry, 2, reason="again", actor="other")
    assert (again.version, again.before, again.actor, again.state) == (2, 1, "test", "done")
    assert len(line.ledger.promotions.all(line.registry.name)) == 2
    assert [update.status for update in line.ledger.updates.all(line.registry.name)] == ["promoted", "promoted"]


@pytest.mark.parametrize("verdict", ["fail", "inconclusive"])
def test_only_pass_is_promoted_unless_forced(line, verdict):
    number = line.register(verdict)
    with pytest.raises(AbreastError, match=f"v1 is not promoted: its verdict is {verdict}"):
        promote_version(line.ledger, line.registry, number, **HOW)
    assert line.registry.aliases() == {}
    promote_version(line.ledger, line.registry, number, force=True, **HOW)
    assert line.registry.aliases() == {"champion": 1}


def test_what_was_judged_against_a_former_champion_is_not_promoted(line):
    line.register_aside()
    line.register_aside()
    promote_version(line.ledger, line.registry, 1, **HOW)
    with pytest.raises(AbreastError, match="v2 was judged against no champion, but v1 serves now"):
        promote_version(line.ledger, line.registry, 2, **HOW)
    line.assert_consistent()
    assert line.served == (1,)


def test_other_files_than_the_recorded_ones_are_not_promoted(line, tmp_path):
    line.serve(1)
    number = line.register()
    (tmp_path / "abreast.json").write_text('{"base": "another"}')
    with line.registry._api.client() as client:
        model = client.get_model_version(line.registry.name, str(number)).source.removeprefix("models:/")
        client.log_model_artifact(model, str(tmp_path / "abreast.json"))
    with pytest.raises(AbreastError, match="its files in MLflow have digest"):
        promote_version(line.ledger, line.registry, number, **HOW)
    line.assert_consistent()
    assert line.served == (1,)
    assert line.ledger.promotions.all(line.registry.name)[-1].state == "reverted"


def test_rollback_returns_to_what_served_before(line):
    line.serve(3)
    done = line.take_back()
    assert (done.version, done.before, done.kind) == (2, 3, "rollback")
    assert line.registry.aliases() == {"champion": 2, "previous": 1}
    line.take_back()
    assert line.registry.aliases() == {"champion": 1}
    with pytest.raises(AbreastError, match="nothing to roll back to: only v1 has served"):
        line.take_back()


def test_nothing_has_served_yet(line):
    with pytest.raises(AbreastError, match="nothing to roll back to: no version has served"):
        line.take_back()
    assert reconcile_promotions(line.ledger, line.registry) == []


@pytest.mark.parametrize("point", [*BEFORE_INTENT, *AFTER_INTENT])
def test_a_kill_at_any_point_is_mended_by_a_sweep(line, monkeypatch, point):
    line.serve(1)
    number = line.register()
    killed_at(point, lambda: promote_version(line.ledger, line.registry, number, **HOW), monkeypatch)
    reconcile_promotions(line.ledger, line.registry)
    line.assert_consistent()
    assert line.served == ((1,) if point in BEFORE_INTENT else (1, 2))


@pytest.mark.usefixtures("mlflow_uri")
def test_a_kill_at_any_point_is_mended_by_the_next_promotion(line, monkeypatch):
    numbers = [line.register()]
    for point in AFTER_INTENT:
        killed_at(point, lambda: promote_version(line.ledger, line.registry, numbers[-1], **HOW), monkeypatch)
        promote_version(line.ledger, line.registry, numbers[-1], **HOW)
        line.assert_consistent()
        assert line.served == tuple(numbers)
        assert line.ledger.updates.live(line.registry.name) is None
        numbers.append(line.register())
    assert [row.state for row in line.ledger.promotions.all(line.registry.name)] == ["done"] * len(AFTER_INTENT)


def test_a_kill_at_any_point_of_a_rollback_is_mended_by_a_sweep(line, monkeypatch):
    line.serve(2)
    for point in AFTER_INTENT:
        killed_at(point, lambda: line.take_back(), monkeypatch)
        reconcile_promotions(line.ledger, line.registry)
        line.assert_consistent()
        assert line.served == (1,)
        promote_version(line.ledger, line.registry, 2, **HOW)


def test_a_rollback_asked_for_again_after_a_kill_goes_back_once(line, monkeypatch):
    line.serve(3)
    for point, left in (("promoter.checked", (1, 2)), ("promoter.previous", (1,))):
        killed_at(point, lambda: line.take_back(), monkeypatch)
        assert line.take_back().version == left[-1]
        assert line.served == left
        line.assert_consistent()


def test_two_who_saw_one_champion_and_want_it_gone_go_back_once(line):
    line.serve(3)
    first, second = (restore_previous(line.ledger, line.registry, 3, **HOW) for _ in range(2))
    assert first == second
    assert line.served == (1, 2)


@pytest.mark.parametrize("leaving", [1, None])
def test_a_champion_that_nobody_wanted_to_leave_serves_on(line, leaving):
    line.serve(2)
    with pytest.raises(AbreastError, match="v2 serves, not .*, which was to be left; nothing was done"):
        restore_previous(line.ledger, line.registry, leaving, **HOW)
    line.assert_consistent()
    assert line.served == (1, 2)


def test_a_sweep_reverts_what_cannot_be_finished(line, monkeypatch):
    line.serve(1)
    number = line.register()
    killed_at("promoter.intended", lambda: promote_version(line.ledger, line.registry, number, **HOW), monkeypatch)
    line.registry._tag(number, "abreast.digest", "0" * 64)
    (said,) = reconcile_promotions(line.ledger, line.registry)
    assert said.startswith("promote of v2 reverted: v2 of")
    line.assert_consistent()
    assert line.served == (1,)


def test_a_sweep_puts_back_aliases_that_were_moved_by_hand(line):
    line.serve(2)
    line.register_aside()
    line.registry.set_alias("champion", 3)
    line.registry.set_alias("previous", None)
    assert reconcile_promotions(line.ledger, line.registry) == [
        "alias champion set from v3 to v2",
        "alias previous set from nothing to v1",
    ]
    line.assert_consistent()
    assert reconcile_promotions(line.ledger, line.registry) == []


def test_mlflow_gone_on_the_way_leaves_the_champion_and_is_finished_later(line):
    line.serve(1)
    number = line.register()
    down = Registry("http://127.0.0.1:1", line.registry.name)
    with pytest.raises(Unavailable, match="MLflow does not answer"):
        promote_version(line.ledger, down, number, **HOW)
    assert line.served == (1,)
    assert reconcile_promotions(line.ledger, line.registry) == ["promote of v2 finished"]
    line.assert_consistent()


def test_eight_promoters_of_one_version_make_one_promotion(line):
    number = line.register()
    done = at_once(lambda _: promote_version(line.ledger, line.registry, number, **HOW).id, 8)
    assert len(set(done)) == 1
    assert line.served == (1,)
    line.assert_consistent()


def test_of_eight_promoters_of_rival_versions_those_of_one_win_and_the_others_are_told(line):
    rivals = [line.register_aside() for _ in range(4)]
    results = at_once(lambda number: promote_version(line.ledger, line.registry, rivals[number // 2], **HOW).version, 8)
    winners = [result for result in results if isinstance(result, int)]
    assert len(winners) == 2
    assert sum(isinstance(result, AbreastError) and "serves now" in str(result) for result in results) == 6
    assert line.served == (winners[0],)
    line.assert_consistent()


@pytest.mark.usefixtures("mlflow_uri")
def test_promoters_killed_at_random_moments_leave_one_champion(line):
    line.serve(1)
    numbers = [line.register_aside() for _ in range(3)]
    chance = random.Random(17)

    def work(number: int) -> None:
        promote_version(line.ledger, line.registry, numbers[number], force=True, **HOW)

    for _ in range(4):
        processes = [start(lambda n=n: work(n)) for n in range(3)]
        for process in processes:
            time.sleep(chance.uniform(0.0, 0.15))
            process.kill()
        for process in processes:
            process.join()
            assert process.exitcode in (0, 1, -signal.SIGKILL)
        reconcile_promotions(line.ledger, line.registry)
        line.assert_consistent()
    done = [row.version for row in line.ledger.promotions.all(line.registry.name) if row.state == "done"]
    assert line.served == tuple(done)
