"""A poisoned drop is taken out of the line, by force promoted, found out, and killed on the way."""

import pytest

from abreast.core.errors import AbreastError
from abreast.lifecycle.promoter import promote_version, reconcile_promotions
from abreast.lifecycle.rollback import reinstate_drop, roll_back, withdraw_drop
from abreast.services.services import Services
from tests.lifecycle.ledgers import deliver, digest_of, killed_at
from tests.lifecycle.model_line import HOW, Line

POISON = {"reason": "a join gone wrong", "actor": "test"}
POINTS = ["promoter.withdrawn", "promoter.intended", "promoter.champion"]


@pytest.fixture
def services(line, monkeypatch) -> Services:
    return line.services(monkeypatch)


def serve_by_force(line: Line) -> int:
    """A version that no verdict lets pass."""
    number = line.register("fail")
    promote_version(line.ledger, line.registry, number, force=True, **HOW)
    return number


def poisoned(line: Line) -> None:
    """v1 is sound, v2 has learned `drop 1`, the poison, v3 came after."""
    line.serve(1)
    serve_by_force(line)
    line.serve(1)


def test_a_rollback_says_which_drops_it_takes_back(line, services):
    line.serve(3)
    back = roll_back(services.ledger, services.registry, None, **HOW)
    assert back.message == (
        f"v2 serves again, v3 is taken back, with what it learned: drop 2 ({digest_of('drop 2')[:12]})"
    )
    lost = [{"name": "drop 2", "digest": digest_of("drop 2")}]
    assert back.fields() == {"champion": "v2", "taken_back": "v3", "drops": lost}


@pytest.mark.usefixtures("mlflow_uri")
def test_the_champion_goes_back_before_the_poison_and_the_next_version_has_never_seen_it(line, services):
    poisoned(line)
    back = withdraw_drop(services.ledger, services.registry, "drop 1", **POISON)
    assert back.message == (
        f"drop 1 ({digest_of('drop 1')[:12]}) is withdrawn; v1 serves again, v3 is taken back; "
        f"the next update learns drop 2 ({digest_of('drop 2')[:12]}) from v1"
    )
    assert {name: back.fields()[name] for name in ("champion", "taken_back", "ground")} == {
        "champion": "v1",
        "taken_back": "v3",
        "ground": "v1",
    }
    assert [drop["name"] for drop in back.fields()["drops"]] == ["drop 1", "drop 2"]
    line.assert_consistent()
    line.serve(1)
    line.assert_consistent()
    assert line.served == (1, 4)
    assert set(line.ledger.versions.learned(line.registry.name, 4)) == {digest_of(f"drop {n}") for n in (0, 2, 3)}


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_is_mended_by_a_sweep(line, services, monkeypatch, point):
    poisoned(line)
    killed_at(point, lambda: withdraw_drop(services.ledger, services.registry, "drop 1", **POISON), monkeypatch)
    reconcile_promotions(line.ledger, line.registry)
    line.assert_consistent()
    assert line.served == (1,)
    assert [drop.name for drop in line.ledger.updates.waiting(line.registry.name)] == ["drop 2"]
    assert withdraw_drop(services.ledger, services.registry, "drop 1", **POISON).taken_back is None
    assert reconcile_promotions(line.ledger, line.registry) == []


def test_killed_after_the_mark_an_update_may_come_before_the_sweep(line, services, monkeypatch):
    poisoned(line)
    killed_at(
        "promoter.withdrawn", lambda: withdraw_drop(services.ledger, services.registry, "drop 1", **POISON), monkeypatch
    )
    line.serve(1)
    line.assert_consistent()
    assert line.served == (1, 4)
    assert digest_of("drop 1") not in line.ledger.versions.learned(line.registry.name, 4)


def test_where_no_version_was_without_it_the_champion_serves_until_the_next_one(line, services):
    serve_by_force(line)
    line.serve(1)
    back = withdraw_drop(services.ledger, services.registry, digest_of("drop 0")[:8], **POISON)
    assert "no version that served was without it, so v2 serves on until the next update is promoted" in back.message
    assert back.message.endswith("from the base")
    assert (back.champion, back.taken_back, back.next_parent) == (2, None, None)
    with pytest.raises(AbreastError, match="nothing to roll back to: only v2 has served"):
        roll_back(services.ledger, services.registry, None, **HOW)
    line.serve(1)
    assert line.served == (3,)
    reconcile_promotions(line.ledger, line.registry)
    line.assert_consistent()


def test_a_broken_way_back_is_told_by_the_sweep_and_the_champion_serves_on(line, services):
    poisoned(line)
    line.registry._tag(1, "abreast.digest", "0" * 64)
    with pytest.raises(AbreastError, match="digest 000000000000 in MLflow"):
        withdraw_drop(services.ledger, services.registry, "drop 1", **POISON)
    (said,) = reconcile_promotions(line.ledger, line.registry)
    assert said.startswith("a champion that knows a withdrawn drop serves on: v1 of")
    assert line.served == (1, 3)
    assert line.registry.aliases() == {"champion": 3, "previous": 1}


def test_a_drop_that_nobody_has_learned_moves_nothing_and_comes_back_reinstated(line, services):
    line.serve(1)
    deliver(line.ledger, "poison")
    back = withdraw_drop(services.ledger, services.registry, "poison", **POISON)
    assert "no version that serves has learned it; nothing waits to be learned" in back.message
    assert line.served == (1,)
    assert reinstate_drop(services.ledger, services.line, "poison", **HOW) == (
        line.ledger.drops.get(digest_of("poison")),
        True,
    )


def test_a_drop_is_named_by_its_name_or_the_beginning_of_its_digest(line, services):
    info = line.ledger.drops.all
    line.serve(1)
    with pytest.raises(AbreastError, match="no drop 'nowhere'"):
        withdraw_drop(services.ledger, services.registry, "nowhere", **POISON)
    line.ledger.drops.quarantine(digest_of("other"), "drop 0", 1, [])
    with pytest.raises(AbreastError, match=r"2 drops are called 'drop 0'; name one by its digest: "):
        withdraw_drop(services.ledger, services.registry, "drop 0", **POISON)
    assert len(info()) == 2
    assert withdraw_drop(services.ledger, services.registry, digest_of("drop 0"), **POISON).withdrawn.name == "drop 0"
