"""Experts in the stage `evaluate`: the question alone chooses the expert, and the router's accuracy is reported."""

import json
from pathlib import Path

import pytest

from abreast.core.settings import load_params
from abreast.evaluation import evaluate
from abreast.inference.load import load_predictor, load_predictors
from abreast.learning.trainer import train
from abreast.reports.reports import read_reports
from abreast.serving import probe
from abreast.tracking.card.markdown import measure_table
from abreast.tracking.card.report_data import report_data
from tests.learning.experts.two_domains import COLOURS, LETTERS, examples_of, questions, write_split, write_team
from tests.learning.project import promote


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_base):
    """The champion knows letters, the candidate colours as well; one question tells a wrong domain."""
    root = write_team(tmp_path_factory.mktemp("experts") / "project", tiny_base)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("ABREAST_HOME", str(root / "home"))
        write_split(examples_of("letters", LETTERS), questions("letters", LETTERS))
        train.main()
        write_team(root, tiny_base)
        promote(root)
        mistold = questions("letters", LETTERS, "retained")
        mistold[0] = mistold[0].model_copy(update={"domain": "colours"})
        write_split(examples_of("colours", COLOURS), [*mistold, *questions("colours", COLOURS)])
        train.main()
        yield root


@pytest.fixture(autouse=True)
def inside(project, monkeypatch):
    monkeypatch.chdir(project)


def test_the_router_does_not_read_the_domain_and_its_accuracy_is_reported(project):
    evaluate.main()
    metrics = json.loads(Path("reports/metrics.json").read_text())
    assert metrics["candidate"]["retained_exact_match"] == 1.0, "also of the question whose domain is wrong"
    assert metrics["candidate"]["current_exact_match"] == 1.0
    assert metrics["champion"]["retained_exact_match"] == 1.0
    assert metrics["router"] == {"champion": 1.0, "candidate": pytest.approx(5 / 6)}
    data = report_data(read_reports(Path("reports")))
    page = measure_table(data.models, data.measures)
    assert "| questions sent to the expert of their domain | 83.3 % | 100 % | – |" in page
    first = Path("reports/metrics.json").read_bytes()
    evaluate.main()
    assert Path("reports/metrics.json").read_bytes() == first, "with remembered answers it is the same"


def test_general_perplexity_is_that_of_the_worst_expert(project):
    folders = {"champion": Path("data/parent/model"), "candidate": Path("model"), "base": None}
    asked = load_predictors(folders, load_params().model)
    figures = {name: one.perplexity("The ferry left the harbour.") for name, one in asked.items()}
    assert figures["candidate"] >= figures["champion"] != figures["base"]
    each = []
    for expert in ("candidate_expert_0001", "candidate_expert_0002"):
        with asked["candidate"]._backbone.using_expert(expert):
            each.append(super(type(asked["candidate"]), asked["candidate"]).perplexity("The ferry left the harbour."))
    assert len(set(each)) == 2
    assert figures["candidate"] == pytest.approx(max(each))


def test_one_question_has_the_same_answer_as_in_a_batch(project):
    model = load_params().model
    asked = [question.question for question in (*questions("letters", LETTERS), *questions("colours", COLOURS))]
    predictor = load_predictor(Path("model"), model)
    wanted = [*LETTERS.values(), *COLOURS.values()]
    assert predictor.answer(asked) == wanted
    assert predictor.answer(asked, [(right,) for right in wanted]) == wanted
    assert [load_predictor(Path("model"), model).answer([one])[0] for one in asked[2:4]] == wanted[2:4]


def test_experts_are_served_without_a_domain(tmp_path):
    asked = [{"question": question.question, "kind": "fact"} for question in questions("letters", LETTERS)[:2]]
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    probe.main(["model", str(tmp_path / "asked.json"), str(tmp_path / "result.json")])
    assert json.loads((tmp_path / "result.json").read_text())["answer_seconds"] > 0
