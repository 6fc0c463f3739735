"""A small part of `benchmarks.promoters`: concurrent promoters with kills, and the checks themselves."""

import re
from pathlib import Path

import pytest

from abreast.ledger import Promotion
from benchmarks.promoter_processes import PromoterResult, PromoterTask
from benchmarks.promoters import POINTS, promoter_table, run_rounds
from benchmarks.promotion_checks import judgement_violations, replay_log, result_violations, state_violations
from tests.installation import SOURCE

ROUNDS = 4


@pytest.mark.server
def test_promoters_with_kills_leave_one_champion_and_nothing_lost_or_repeated(mlflow_uri, ledger_url, tmp_path: Path):
    stress = run_rounds(mlflow_uri, ledger_url, tmp_path, ROUNDS, 8, seed=17, on_round=lambda number, stress: None)
    assert stress.violations == []
    assert stress.counts["rounds"] == ROUNDS
    assert stress.counts["promotions"] >= ROUNDS
    assert sum(stress.kills.values()) >= ROUNDS
    stress.promotion_line.registry.set_alias("previous", None)
    (fault,) = stress.promotion_line.violations([], 0)
    assert fault.startswith("the aliases are")


def test_the_points_at_which_the_processes_are_killed_are_the_promoters():
    source = (SOURCE / "abreast/lifecycle/promoter.py").read_text()
    assert set(POINTS) <= set(re.findall(r'point\("([\w.]+)"\)', source))


def row(number: int, version: int, before: int | None, **other: object) -> Promotion:
    values = {"line": "l", "kind": "promote", "forced": False, "state": "done", "reason": "", "actor": f"p{number}"}
    values |= {"outcome": None, "created_at": "", "settled_at": None}
    return Promotion(id=number, version=version, before=before, **(values | other))


def test_replaying_a_log_finds_the_rows_that_contradict_it():
    good = [row(1, 1, None), row(2, 2, 1), row(3, 1, 2, kind="rollback"), row(4, 3, 1), row(5, 9, 3, state="reverted")]
    assert replay_log(good) == ([1, 3], [])
    assert "a promotion is lost" in replay_log([row(1, 1, None), row(2, 2, None)])[1][0]
    assert "promoted twice" in replay_log([row(1, 1, None), row(2, 1, 1)])[1][0]
    assert "rolled back to 5" in replay_log([row(1, 1, None), row(2, 2, 1), row(3, 5, 2, kind="rollback")])[1][0]


def test_half_promotions_and_wrong_files_are_found():
    assert state_violations([row(1, 1, None), row(2, 2, 1, state="reverted")], damaged={2}) == []
    assert state_violations([row(1, 1, None, state="intent")], damaged=set()) == ["row 1, v1, is half promoted"]
    assert "has wrong files, and is done" in state_violations([row(1, 1, None)], damaged={1})[0]
    assert "though its files are right" in state_violations([row(1, 1, None, state="reverted")], damaged=set())[0]


def test_what_was_judged_against_another_champion_is_found_unless_forced():
    versions = {2: type("V", (), {"parent": None})}
    assert judgement_violations([row(1, 2, 1, forced=True)], versions) == []
    assert judgement_violations([row(1, 2, 1)], versions) == ["row 1: v2 was judged against None, and replaced 1"]


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        (PromoterResult(PromoterTask("p1", "promote", 1), "done", row=1), None),
        (PromoterResult(PromoterTask("p9", "promote", 1), "done", row=1), None),
        (PromoterResult(PromoterTask("p1", "promote", 7), "done", row=1), "wanted v7 and reported v1"),
        (PromoterResult(PromoterTask("p9", "rollback"), "done", row=1, champion_left=3), "no rollback from v3"),
        (PromoterResult(PromoterTask("p2", "promote", 2), "done", row=2), "is done, but it is reverted"),
        (
            PromoterResult(PromoterTask("p1", "promote", 1), "broken", lines=("KeyError: 1",)),
            "ended broken: KeyError: 1",
        ),
    ],
)
def test_what_a_promoter_reports_is_compared_with_the_log(result: PromoterResult, fault: str | None):
    found = result_violations([row(1, 1, None), row(2, 2, 1, state="reverted")], [result])
    assert [fault in line for line in found] == ([True] if fault else [])


def test_the_table_has_a_row_a_database_and_the_kills_by_point():
    one = {"database": "sqlite", "rounds": 5, "promotions": 7, "kills": {"promoter.kept": 2}, "violations": ["lost"]}
    other = {"database": "sqlite", "rounds": 2, "promotions": 1, "kills": {"promoter.done": 1}, "violations": []}
    shown = promoter_table([one, other])
    assert "| sqlite | 2 | 7 | 3 | 8 | 0 |" in shown
    assert "| promoter.kept | 2 |" in shown
    assert "- sqlite: lost" in shown
