import json

import pytest

from abreast.core.errors import AbreastError
from abreast.reports.reports import read_reports
from abreast.tracking.card.report_data import BETTER, CardMeasure, report_data
from tests.lifecycle.ledgers import answer, finished_run


def data_of(folder, *answers):
    if answers:
        (folder / "reports" / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in answers))
    return report_data(read_reports(folder / "reports"))


def changed(folder, change):
    path = folder / "reports" / "metrics.json"
    metrics = json.loads(path.read_text())
    change(metrics)
    path.write_text(json.dumps(metrics))
    return report_data(read_reports(folder / "reports"))


def test_learned_compares_with_the_base_without_a_champion(tmp_path):
    found = data_of(finished_run(tmp_path))
    (learned,) = found.learned.answers
    assert (learned.question, learned.before, learned.now) == ("Newest Python 3.12?", "x", "3.12.1")
    (stale,) = found.stale.answers
    assert (stale.now, stale.right) == ("2026", "2028")
    assert found.lost.count == 0


def test_lost_answers_are_those_that_the_champion_had(tmp_path):
    known = answer("Newest Go?", "1.22", "1.21")
    kept = answer("Newest Rust?", "1.80", "1.80")
    for row, value in ((known, "1.22"), (kept, "1.80")):
        row["champion"], row["right"]["champion"] = value, True
    found = data_of(finished_run(tmp_path), known, kept)
    assert [one.question for one in found.lost.answers] == ["Newest Go?"]
    assert found.learned.count == 0


def test_the_card_keeps_all_lost_answers_and_ten_learned_ones_of_different_keys_first(tmp_path):
    worse = [answer(f"Lost {i}?", "a", "b") for i in range(40)]
    for row in worse:
        row["champion"], row["right"]["champion"] = "a", True
    better = [answer(f"Won {i}?", "a", "a") | {"key": f"k{i // 3}"} for i in range(36)]
    found = data_of(finished_run(tmp_path), *worse, *better)
    assert (found.lost.count, len(found.lost.answers)) == (40, 40)
    assert (found.learned.count, len(found.learned.answers)) == (36, BETTER)
    assert [one.question for one in found.learned.answers] == [f"Won {3 * i}?" for i in range(10)]
    few = data_of(tmp_path, *better[:4])
    assert [one.question for one in few.learned.answers] == ["Won 0?", "Won 3?", "Won 1?", "Won 2?"]


def test_measures_have_the_number_of_their_questions(tmp_path):
    found = data_of(finished_run(tmp_path))
    assert found.models == ("candidate", "champion", "base")
    meaning = "accuracy on what these drops brought"
    assert found.measures[0] == CardMeasure(name="current_exact_match", meaning=meaning, n=2, values=(0.95, None, 0.95))
    assert [one.n for one in found.measures] == [2, 0, 0, None]


def test_the_base_with_examples_and_the_router_are_shown_if_present(tmp_path):
    finished_run(tmp_path)

    def change(metrics):
        metrics["in_context"] = metrics["base"] | {"current_exact_match": 0.875, "examples": 4}
        metrics["router"] = {"candidate": 0.75}

    found = changed(tmp_path, change)
    assert found.models[-1] == "in_context"
    assert found.measures[0].values == (0.95, None, 0.95, 0.875)
    assert (found.measures[-1].name, found.measures[-1].values) == ("router", (0.75, None, None, None))


def test_calibration_and_robustness_are_shown_where_they_were_measured(tmp_path):
    def change(metrics):
        bins = [{"low": 14 / 15, "high": 1.0, "count": 40, "confidence": 0.99, "accuracy": 0.95}]
        measured = {"questions": 40, "expected_calibration_error": 0.04, "bins": bins}
        robustness = {"clean": 0.95, "noisy": 0.75, "drop": 0.2}
        metrics["candidate"] |= {"calibration": measured, "robustness": robustness}
        metrics["champion"] = {"calibration": measured | {"expected_calibration_error": 0.06}}

    found = {one.name: one for one in changed(finished_run(tmp_path), change).measures}
    assert (found["calibration_error"].n, found["calibration_error"].values) == (40, (0.04, 0.06, None))
    assert found["robustness_noisy"].values == (0.75, None, None)
    assert found["robustness_drop"].values == (pytest.approx(0.2), None, None)


def test_every_kind_has_rows_unless_all_records_are_facts(tmp_path):
    finished_run(tmp_path)
    figures = {"current": {"accuracy": 0.8, "macro_f1": 0.75}, "known": {"accuracy": 0.8, "macro_f1": 0.75}}
    kind = {"counts": {"current": 40, "retained": 0, "known": 40}, "candidate": figures, "champion": None}
    kind |= {"base": {"current": {"accuracy": 0.1, "macro_f1": None}}}
    found = changed(tmp_path, lambda metrics: metrics.update(by_kind={"classification": kind}))
    assert [(one.meaning, one.values) for one in found.kinds] == [
        ("classification, new (40): accuracy", (0.8, None, 0.1)),
        ("classification, new (40): macro f1", (0.75, None, None)),
    ]
    assert changed(tmp_path, lambda metrics: metrics.update(by_kind={"fact": kind})).kinds == ()


@pytest.mark.parametrize("name", ["answers.jsonl", "metrics.json"])
def test_unreadable_reports_are_named(tmp_path, name):
    (finished_run(tmp_path) / "reports" / name).write_text("{")
    with pytest.raises(AbreastError, match=rf"{name}: .*Invalid JSON.*; run the stage `evaluate`"):
        read_reports(tmp_path / "reports")
