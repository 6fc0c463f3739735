import json

import pytest

from abreast.core.errors import AbreastError
from abreast.metrics.calibration import calibration
from abreast.metrics.robustness import Robustness
from abreast.metrics.task_metrics import TextLikelihood
from abreast.reports.answers import QuestionResult, correct_by_model, parse_answers, question_results
from abreast.reports.figures import Figure
from abreast.reports.metrics import EvaluationMetrics, KindMetrics, ModelMetrics
from abreast.reports.reports import Reports, read_reports, write_reports
from abreast.reports.tables import DropRow, SliceRow
from abreast.reports.texts import TextResult, text_results
from tests.learning.project import question

ASKED = [question("a", "1.5", stale=("1.4",)), question("b", "2.7", "retained")]
ANSWERS = {"base": ["x", "y"], "champion": None, "candidate": ["1.4", "2.7"]}


def reports() -> Reports:
    measured = ModelMetrics(
        current_exact_match=0.5,
        general_perplexity=float("inf"),
        calibration=calibration([0.9, 0.4], [True, False]),
        robustness=Robustness(clean=0.5, noisy=0.25),
    )
    kind = KindMetrics(counts={"current": 1, "retained": 1, "known": 2}, candidate={"known": {"exact_match": 0.5}})
    return Reports(
        metrics=EvaluationMetrics(candidate=measured, base=ModelMetrics(), by_kind={"fact": kind}),
        answers=question_results(ASKED, ANSWERS, 0.0, {"candidate": [0.9, None]}),
        texts=text_results(
            [question("t", "It rains.", "retained", kind="text")],
            {"base": [TextLikelihood(-2.0, 7)], "champion": None},
        ),
        figures={"personal": Figure(candidate=0.0, n=2)},
        by_drop=(DropRow(drop="d", name="first", questions=2, base=0.0, candidate=0.5),),
        by_slice=(SliceRow(by="domain", name="test", questions=2, candidate=0.5),),
    )


def test_written_reports_are_read_back(tmp_path):
    written = reports()
    write_reports(tmp_path / "reports", written)
    assert read_reports(tmp_path / "reports") == written


def test_the_results_of_each_model_on_each_question():
    first, second = reports().answers
    assert (first.key, first.scope, first.domain, first.parent) == ("a", "current", "test", "base")
    assert first.answers == {"base": "x", "champion": None, "candidate": "1.4"}
    assert first.correct == {"base": False, "champion": None, "candidate": False}
    assert first.outdated == {"base": False, "champion": None, "candidate": True}
    assert first.confidence == {"candidate": 0.9}
    assert (second.correct["candidate"], second.outdated) == (True, None)
    assert correct_by_model(reports().answers, ANSWERS) == {
        "base": [False, False],
        "champion": None,
        "candidate": [False, True],
    }
    (piece,) = reports().texts
    assert (piece.key, piece.scope, piece.tokens) == ("t", "retained", 7)
    assert piece.means == {"base": -2.0, "champion": None}


def test_answers_stand_under_the_names_of_their_models(tmp_path):
    write_reports(tmp_path, reports())
    line = json.loads((tmp_path / "answers.jsonl").read_text().splitlines()[0])
    assert (line["base"], line["champion"], line["candidate"], line["answer"]) == ("x", None, "1.4", "1.5")
    assert line["correct"]["candidate"] is False
    assert "answers" not in line


def test_answers_of_earlier_versions_are_read():
    line = {"id": "1", "key": "k", "kind": "fact", "domain": "", "source": "", "drop": "d", "scope": "retained"}
    line |= {"question": "?", "answer": "yes", "stale": [], "base": "no", "champion": None, "candidate": "yes"}
    line |= {"right": {"base": False, "champion": None, "candidate": True}, "outdated": None}
    (found,) = parse_answers(json.dumps(line) + "\n", "v1")
    assert found.answers == {"base": "no", "champion": None, "candidate": "yes"}
    assert found.correct == line["right"]
    assert found.confidence == {}


def test_missing_reports_are_named(tmp_path):
    with pytest.raises(AbreastError, match=r"metrics\.json: not readable .*; run the stage `evaluate`"):
        read_reports(tmp_path)
    write_reports(tmp_path, reports())
    for name in ("answers.jsonl", "texts.jsonl", "retention.csv", "metrics.json"):
        content = (tmp_path / name).read_text()
        (tmp_path / name).unlink()
        with pytest.raises(AbreastError, match=rf"{name}: not readable .*No such file.*; run the stage `evaluate`"):
            read_reports(tmp_path)
        (tmp_path / name).write_text(content)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metrics.json", "{}", r"metrics\.json: candidate: Field required"),
        (
            "metrics.json",
            '{"candidate": {"stale_rate": "x"}}',
            r"metrics\.json: candidate\.stale_rate: Input should be",
        ),
        ("answers.jsonl", '{"key": "k"}\n', r"answers\.jsonl: line 1: kind: Field required"),
        ("texts.jsonl", '{"key": "t"}\n', r"texts\.jsonl: line 1: scope: Field required"),
        ("retention.csv", "drop,name,base\nd,first,much\n", r"retention\.csv: line 2: base: Input should be"),
        ("retention.csv", "name,base\nfirst,0.5\n", r"retention\.csv: line 2: drop: Field required"),
    ],
)
def test_a_damaged_report_is_named_with_line_and_field(tmp_path, name, content, message):
    write_reports(tmp_path, reports())
    (tmp_path / name).write_text(content)
    with pytest.raises(AbreastError, match=message + ".*; run the stage `evaluate`$"):
        read_reports(tmp_path)


def test_a_bare_result_has_no_answers():
    bare = {"key": "k", "kind": "fact", "domain": "", "source": "", "drop": "", "scope": "current"}
    assert QuestionResult(**bare, correct={"candidate": True}).answers == {}
    assert TextResult(key="k", scope="current", tokens=1, means={}).kind == "text"
