import pytest

from abreast.core.settings import GATES, AnswerGate
from abreast.gates.monitor import GateMonitor
from abreast.statistics.sequential import FAIL, INCONCLUSIVE, PASS
from tests.evaluation.reports import reports, results, stale, texts

BY_NAME = {gate.name: gate for gate in GATES}
WHO = ("base", "champion", "candidate")
NEW, OLD = results("current", won=60), results("retained", both=100)


def monitor(gates, answers, pieces=(), models=WHO, error=0.05):
    return GateMonitor(reports(answers, pieces), gates, models, error)


def test_nothing_is_settled_before_a_question_is_asked_but_what_the_general_text_says():
    monitored = monitor(GATES, [*NEW, *OLD])
    said = monitored.update(reports([], ratio=2.0))
    assert (said.best, said.worst) == (FAIL, FAIL)
    assert [one.gate.name for one in monitored.open] == [
        "current_exact_match",
        "gain",
        "retained_exact_match",
        "retention",
    ]
    assert [result.name for result in monitored.results] == ["general_perplexity_ratio", "questions on this drop"]
    assert monitor(GATES, [*NEW, *OLD]).update(reports([], ratio=1.0))[:2] == (PASS, FAIL)


def test_clear_answers_settle_a_gate_and_say_how_many_were_asked():
    monitored = monitor(GATES, [*NEW, *OLD])
    monitored.update(reports([*NEW[:20], *results("retained", lost=30)[:30]]))
    assert [one.gate.name for one in monitored.open] == ["current_exact_match"]
    told = {result.name: result for result in monitored.results}
    assert {name: one.outcome for name, one in told.items()} == {
        "gain": "passed",
        "retained_exact_match": "failed",
        "retention": "failed",
        "general_perplexity_ratio": "passed",
        "questions on this drop": "passed",
    }
    assert told["retention"].reason.startswith("retention: measured 0, needed at least 0.9, champion 1, difference -1")
    assert told["retention"].reason.endswith("n 30 of 100")
    assert told["gain"].interval[0] > 0


def test_a_gate_whose_questions_were_all_asked_is_that_of_the_judgement():
    monitored = monitor([BY_NAME["gain"], BY_NAME["retention"]], [*NEW, *OLD])
    monitored.update(reports(NEW))
    (result, _) = monitored.results
    assert (result.n, result.planned, result.outcome) == (60, None, "passed")
    assert result.p is not None


def test_each_slice_is_monitored_and_those_that_are_too_small_are_settled():
    gate = BY_NAME["retention by domain"]
    kept = [one for name in "abc" for one in results("retained", both=20, domain=name)]
    small = results("retained", both=2, domain="d")
    monitored = monitor([gate], [*kept, *small])
    assert monitored.update(reports([]))[:2] == (PASS, FAIL)
    lost = results("retained", lost=16, domain="b")
    assert monitored.update(reports([*kept[:5], *lost]))[:2] == (FAIL, FAIL)
    (result,) = monitored.results
    assert (result.name, result.outcome, result.n, result.planned) == ("retention by domain [b]", "failed", 16, 20)
    tiny = [one for name in "ab" for one in results("retained", both=1, domain=name)]
    assert monitor([gate], tiny).open == [], "one question each shows nothing"


def test_superseded_values_are_monitored_in_both_scopes():
    planned = [*stale(30, 0, "current"), *stale(50, 0, "retained")]
    told = [*stale(30, 6, "current")]
    assert monitor([BY_NAME["stale_rate"]], planned).update(reports(told))[:2] == (FAIL, FAIL)
    assert monitor([BY_NAME["stale_rate"]], planned).update(reports(stale(30, 0, "current")))[:2] == (PASS, FAIL)


def test_raw_text_is_judged_when_all_of_it_was_read():
    better, worse = (
        texts("current", [-1.0] * 6, [-2.0] * 6, [-3.0] * 6),
        texts("current", [-3.0] * 6, [-2.0] * 6, [-3.0] * 6),
    )
    gates = [BY_NAME["current_text_perplexity"]]
    assert monitor(gates, [], better).update(reports([], better[:5]))[:2] == (PASS, FAIL)
    assert monitor(gates, [], better).update(reports([], better))[:2] == (PASS, PASS)
    assert monitor(gates, [], worse).update(reports([], worse))[:2] == (FAIL, FAIL)


def test_gates_that_are_not_asked_are_not_monitored():
    monitored = monitor(GATES, results("current", won=60, champion=False), models=("base", "candidate"))
    assert [one.gate for one in monitored.open] == [
        BY_NAME["current_exact_match"],
        BY_NAME["general_perplexity_ratio"],
    ]
    few = monitor(GATES, [*results("current", won=4), *OLD])
    assert few.update(reports(OLD))[:2] == (INCONCLUSIVE, INCONCLUSIVE), "four questions on the drop are too few"


@pytest.mark.parametrize(("does", "verdict"), [("block", FAIL), ("review", INCONCLUSIVE), ("warn", PASS)])
def test_what_missing_a_gate_does_is_the_gates_own_word(does, verdict):
    gate = AnswerGate(name="bar", measure="accuracy", scope="current", at_least=0.9, on_fail=does)
    monitored = monitor([gate], NEW)
    assert monitored.update(reports(results("current", neither=30)))[:2] == (verdict, verdict)
    assert monitored.results[0].outcome == "failed"


def test_the_error_is_shared_out_among_the_counts_that_are_looked_at():
    planned = [*NEW, *OLD, *stale(30, 0, "current"), *stale(30, 0, "retained")]
    parts = {one.gate.name: one.slices[0].error for one in monitor(GATES, planned, error=0.08).monitored if one.slices}
    assert parts == {
        "current_exact_match": 0.02,
        "gain": 0.02,
        "retained_exact_match": 0.02,
        "retention": 0.02,
        "stale_rate": 0.01,
    }
