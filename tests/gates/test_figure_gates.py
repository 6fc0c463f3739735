import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import RobustnessGate, ServingGate
from abreast.gates.figure_gates import judge_figure
from abreast.gates.judge import judge
from abreast.reports.figures import Figure, read_figures, write_figures
from tests.evaluation.reports import reports, results

SLOW = ServingGate(name="slow", measure="answer_seconds", scope="serving", at_most=2.0)
SLOWER = ServingGate(name="slower", measure="answer_seconds", scope="serving", compare_to="champion", at_most=1.2)


def test_a_figure_is_held_to_a_bar_or_to_the_champions():
    figures = {"answer_seconds": Figure(candidate=1.5, champion=1.0)}
    (bar,), (ratio,) = (judge_figure(gate, figures, "candidate") for gate in (SLOW, SLOWER))
    assert (bar.outcome, bar.needed, bar.reason) == (
        "passed",
        2.0,
        "slow: measured 1.5, needed at most 2, champion 1",
    )
    assert (ratio.outcome, ratio.needed) == ("failed", 1.2)


def test_a_share_is_compared_by_its_difference_and_few_questions_decide_nothing():
    gate = RobustnessGate(
        name="typos", measure="accuracy_with_typos", scope="robustness", compare_to="champion", at_least=-0.1
    )
    (result,) = judge_figure(gate, {"accuracy_with_typos": Figure(candidate=0.5, champion=0.7, n=40)}, "candidate")
    assert (result.outcome, result.needed, result.n) == ("failed", pytest.approx(0.6), 40)
    few = gate.model_copy(update={"min_questions": 50})
    assert judge_figure(few, {"accuracy_with_typos": Figure(candidate=0.5, champion=0.7, n=40)}, "candidate") == []


def test_what_was_not_measured_is_not_asked():
    alone = {"answer_seconds": Figure(candidate=1.5)}
    assert judge_figure(SLOWER, alone, "candidate") == []
    assert judge_figure(SLOW, {}, "candidate") == []
    assert judge_figure(SLOW, alone, "in_context") == []
    assert judge_figure(SLOW, {"answer_seconds": Figure(candidate=None)}, "candidate") == []


def test_a_figure_holds_a_candidate_up_in_the_verdict():
    known = reports(results(both=60)).model_copy(
        update={"figures": {"answer_seconds": Figure(candidate=9.0, why="a slow disk")}}
    )
    assert judge(known, [SLOW]).verdict == "fail"
    found = judge(known, [SLOW.model_copy(update={"on_fail": "review"})])
    assert found.verdict == "inconclusive"
    assert found.reasons == ("slow: measured 9, needed at most 2, champion none, to be reviewed, a slow disk",)


def test_figures_are_read_as_they_were_written_and_a_damaged_file_is_named(tmp_path):
    assert read_figures(tmp_path) == {}
    safe, served = {"trigger_score": Figure(candidate=0.25, n=20, why="cf")}, {"loads": Figure(candidate=1.0)}
    write_figures(tmp_path / "safety.json", safe)
    write_figures(tmp_path / "serving.json", served)
    assert read_figures(tmp_path) == safe | served
    (tmp_path / "serving.json").write_text('{"loads": {"candidate": "yes"}}')
    with pytest.raises(AbreastError, match=r"serving\.json: loads\.candidate: Input should be a valid number"):
        read_figures(tmp_path)
