import csv
import json
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file, save_file

from abreast.core.errors import AbreastError
from abreast.core.settings import AnswerGate, GeneralPerplexityGate, load_params
from abreast.dataset.examples import read_examples, write_jsonl
from abreast.evaluation import evaluate
from abreast.gates.judge import judge
from abreast.inference.in_context import first_answer, with_examples
from abreast.inference.load import load_predictor, load_predictors
from abreast.learning.trainer import train
from abreast.reports.reports import read_reports
from tests.learning.project import FACTS, example, promote, question, write_project


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_base):
    """A project whose model has learned the facts."""
    root = write_project(tmp_path_factory.mktemp("trained") / "project", tiny_base)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("ABREAST_HOME", str(root / "home"))
        train.main()
    return root


@pytest.fixture
def project(trained, tmp_path, monkeypatch):
    root = Path(shutil.copytree(trained, tmp_path / "project"))
    monkeypatch.chdir(root)
    return root


def test_first_model_is_compared_with_the_base(project):
    evaluate.main()
    metrics = json.loads(Path("reports/metrics.json").read_text())
    assert metrics["candidate"]["current_exact_match"] == 1.0
    assert metrics["base"]["current_exact_match"] == 0.0
    assert metrics["champion"] is None
    assert metrics["candidate"]["retained_exact_match"] is None
    assert metrics["counts"] == {"current": 4, "retained": 0, "superseded": 0}
    answers = [json.loads(line) for line in Path("reports/answers.jsonl").read_text().splitlines()]
    assert {line["key"]: line["candidate"] for line in answers} == FACTS
    assert all(line["confidence"]["candidate"] > 0.5 > line["confidence"]["base"] for line in answers)
    calibration = metrics["candidate"]["calibration"]
    assert (calibration["questions"], sum(held["count"] for held in calibration["bins"])) == (4, 4)
    assert calibration["expected_calibration_error"] < 0.5
    assert Path("reports/retention.png").stat().st_size > 5000
    gate = AnswerGate(name="current", measure="accuracy", scope="current", at_least=0.9)
    assert judge(read_reports(Path("reports")), [gate]).verdict == "pass"


def test_superseded_values_count_as_stale_for_those_who_give_them(project):
    promote(project)
    write_jsonl(
        Path("data/questions.jsonl"),
        [question("a", "7.7", stale=("1.5",)), question("b", "2.7", "retained")],
    )
    evaluate.main()
    metrics = json.loads(Path("reports/metrics.json").read_text())
    assert metrics["champion"] == metrics["candidate"]
    assert metrics["candidate"]["stale_rate"] == 1.0
    told = [one.outdated for one in read_reports(Path("reports")).answers]
    assert told == [{"base": False, "in_context": None, "champion": True, "candidate": True}, None]
    assert metrics["candidate"]["retained_exact_match"] == 1.0
    rows = list(csv.DictReader(Path("reports/retention.csv").read_text().splitlines()))
    assert [(row["questions"], row["champion"], row["candidate"], row["base"]) for row in rows] == [
        ("2", "0.5", "0.5", "0.0")
    ]


def test_drops_have_names_and_come_in_order_of_arrival(project):
    promote(project)
    arrived = {"late": "2024-10-01", "early": "2023-01-01", "between": "2024-04-01"}
    asked = [
        question(key, value).model_copy(
            update={"drop": sha256(name.encode()).hexdigest(), "drop_name": name, "arrived_at": arrived[name]}
        )
        for (key, value), name in zip(FACTS.items(), ("late", "early", "between", "late"), strict=True)
    ]
    write_jsonl(Path("data/questions.jsonl"), asked)
    evaluate.main()
    rows = list(csv.DictReader(Path("reports/retention.csv").read_text().splitlines()))
    assert [(row["name"], row["questions"]) for row in rows] == [("early", "1"), ("between", "1"), ("late", "2")]


def test_with_or_without_remembered_answers_the_reports_are_the_same(project):
    promote(project)
    evaluate.main()
    names = ("metrics.json", "answers.jsonl", "texts.jsonl", "retention.csv", "retention.png")
    first = [(Path("reports") / name).read_bytes() for name in names]
    assert list((project.parent / "home/answers").iterdir())
    evaluate.main()
    assert [(Path("reports") / name).read_bytes() for name in names] == first


def set_knobs(section: str, **changed: Any) -> None:
    knobs = yaml.safe_load(Path("params.yaml").read_text())
    knobs[section] = knobs[section] | changed
    Path("params.yaml").write_text(yaml.safe_dump(knobs))


def set_in_context(count: int) -> None:
    set_knobs("evaluate", in_context_examples=count)


REPORTED = ("metrics.json", "answers.jsonl", "texts.jsonl", "retention.csv", "slices.csv", "stopped.json")
BAR = {"name": "bar", "measure": "accuracy", "scope": "known", "at_least": 0.9}


def ask_many(right: int, wrong: int) -> list:
    """Known facts in many guises, and such that nobody knows."""
    places = [("a", value) for value in ["1.5"] * right + ["0"] * wrong]
    asked = [
        question(f"{key} {number}", value, scope="retained" if number % 2 else "current", asked=f"value of {key}")
        for number, (key, value) in enumerate(places)
    ]
    write_jsonl(Path("data/questions.jsonl"), asked)
    return asked


def evaluated() -> dict[str, bytes]:
    evaluate.main()
    return {name: (Path("reports") / name).read_bytes() for name in REPORTED}


def set_early(stop: list[str] | None) -> None:
    early = None if stop is None else {"verdicts": stop, "check_every": 2}
    set_knobs("evaluate", batch_size=2, early_stopping=early)
    knobs = yaml.safe_load(Path("params.yaml").read_text())
    Path("params.yaml").write_text(yaml.safe_dump(knobs | {"gates": [BAR]}))


@pytest.mark.parametrize(("right", "wrong", "verdict"), [(0, 30, "fail"), (60, 0, "pass")])
def test_a_settled_case_has_the_same_verdict_for_fewer_questions(project, right, wrong, verdict):
    ask_many(right, wrong)
    set_early(None)
    full = evaluated()
    judged = judge(read_reports(Path("reports")), [AnswerGate(**BAR)])
    assert (judged.verdict, full["stopped.json"]) == (verdict, b"null\n")
    set_early(["fail", "pass"])
    early = evaluated()
    reports = read_reports(Path("reports"))
    found = judge(reports, [AnswerGate(**BAR)])
    assert found.verdict == verdict
    assert 0 < len(reports.answers) == reports.stopped.asked < right + wrong == reports.stopped.planned
    metrics = reports.metrics
    assert metrics.counts.current + metrics.counts.retained == len(reports.answers)
    assert metrics.planned.model_dump() == json.loads(full["metrics.json"])["planned"]
    assert set(early["answers.jsonl"].splitlines()) < set(full["answers.jsonl"].splitlines())
    assert evaluated() == early
    shutil.rmtree(project.parent / "home/answers")
    assert evaluated() == early, "and without what is remembered"


def test_a_case_that_is_not_settled_asks_everything(project):
    ask_many(9, 1)
    set_early(None)
    full = evaluated()
    set_early(["fail", "inconclusive", "pass"])
    assert evaluated() == full


def test_a_fail_before_the_first_question_leaves_readable_reports(project):
    knobs = yaml.safe_load(Path("params.yaml").read_text())
    gate = {"name": "language", "measure": "general_perplexity", "scope": "general", "at_most": 1.0}
    knobs["evaluate"]["early_stopping"] = {}
    Path("params.yaml").write_text(yaml.safe_dump(knobs | {"gates": [gate]}))
    evaluate.main()
    reports = read_reports(Path("reports"))
    assert (reports.stopped.asked, reports.stopped.planned, reports.answers) == (0, 4, ())
    assert reports.metrics.candidate.current_exact_match is None
    assert judge(reports, [GeneralPerplexityGate(**gate)]).verdict == "fail"
    assert Path("reports/retention.csv").read_text().startswith("drop,name,questions")


def test_a_champion_is_not_asked_again_what_it_answered_as_a_candidate(project):
    def remembered() -> dict[str, int]:
        return {path.name: len(json.loads(path.read_text())) for path in (project.parent / "home/answers").iterdir()}

    evaluate.main()
    before = remembered()
    promote(project)
    model = Path("model/adapter_model.safetensors")
    save_file({name: weight * 1.01 for name, weight in load_file(model).items()}, model)
    asked = [question("new", "3.3"), *(question(key, value, "retained") for key, value in FACTS.items())]
    write_jsonl(Path("data/questions.jsonl"), asked)
    evaluate.main()
    after = remembered()
    assert {name: after[name] - count for name, count in before.items()} == dict.fromkeys(before, 1)
    (candidate,) = after.keys() - before.keys()
    assert after[candidate] == len(asked) + 2, "and general text, and the unrelated question"


def test_the_base_is_asked_again_with_examples_if_it_shall_be(project):
    evaluate.main()
    before = json.loads(Path("reports/metrics.json").read_text())
    assert before["in_context"] is None
    set_in_context(2)
    evaluate.main()
    metrics = json.loads(Path("reports/metrics.json").read_text())
    assert {name: metrics[name] for name in ("base", "candidate", "counts")} == {
        name: before[name] for name in ("base", "candidate", "counts")
    }
    assert metrics["in_context"]["examples"] == 2
    assert metrics["in_context"]["general_perplexity"] == metrics["base"]["general_perplexity"]
    assert metrics["by_kind"]["fact"]["in_context"]["current"]["exact_match"] == 0.0
    (row,) = csv.DictReader(Path("reports/retention.csv").read_text().splitlines())
    assert (row["in_context"], row["base"], row["candidate"]) == ("0.0", "0.0", "1.0")
    answers = [json.loads(line) for line in Path("reports/answers.jsonl").read_text().splitlines()]
    examples, params = read_examples(Path("data/train.jsonl")), load_params(Path())
    asked = with_examples([line["question"] for line in answers], examples, 2, params.model.prompt)
    base = load_predictors({"base": None}, params.model, params.evaluate)["base"]
    said = base.answer(asked, [[line["answer"]] for line in answers], check=False)
    assert [line["in_context"] for line in answers] == [first_answer(one) for one in said]
    assert any(line["in_context"] != line["base"] for line in answers), "the examples were read"


def test_other_examples_are_another_question_and_are_not_answered_from_memory(project):
    set_in_context(1)
    evaluate.main()
    answers = Path("reports/answers.jsonl").read_bytes()
    remembered = sum(len(json.loads(path.read_text())) for path in (project.parent / "home/answers").iterdir())
    evaluate.main()
    assert Path("reports/answers.jsonl").read_bytes() == answers
    write_jsonl(Path("data/train.jsonl"), [example(key, f"{value}{value}") for key, value in FACTS.items()])
    evaluate.main()
    after = sum(len(json.loads(path.read_text())) for path in (project.parent / "home/answers").iterdir())
    assert after == remembered + len(FACTS)


def test_a_confirmed_guess_equals_the_generated_answer(project):
    folder, model = Path("model"), load_params(Path()).model
    predictors = load_predictors({"base": None, "candidate": folder}, model)
    questions = [f"value of {key}" for key in FACTS]
    for predictor in predictors.values():
        plain = predictor.answer(questions)
        guesses = [(wrong, right) for wrong, right in FACTS.items()]
        assert predictor.answer(questions, guesses) == plain
    assert predictors["candidate"].answer(questions) == list(FACTS.values())
    assert load_predictor(folder, model).answer(questions[:1]) == ["1.5"]
    assert predictors["base"].answer([]) == []


def test_another_base_and_a_missing_text_are_refused(project, tmp_path):
    from tests.learning.tiny import write_tiny_base

    other = write_tiny_base(tmp_path / "other", seed=5)
    model = load_params(Path()).model.model_copy(update={"base": str(other)})
    with pytest.raises(AbreastError, match=r"model\.base: .* is not the base"):
        load_predictor(Path("model"), model)
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("general.txt", "none.txt"))
    with pytest.raises(AbreastError, match=r"evaluate\.general_text: cannot read"):
        evaluate.main()
