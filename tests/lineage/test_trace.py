"""Lineage both ways, on a line in MLflow; that of a version which the stages made is in test_reproduce.py."""

import pytest

from abreast.core.errors import AbreastError
from abreast.lifecycle.promoter import restore_previous
from abreast.lifecycle.rollback import withdraw_drop
from abreast.lineage.trace import trace_drop, trace_key, trace_version
from abreast.services.services import Services
from tests.lifecycle.ledgers import asked, digest_of
from tests.lifecycle.model_line import Line

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def line(local_mlflow, tmp_path_factory) -> Line:
    """v1 to v3, each with a drop of its own, the last taken back."""
    folder = tmp_path_factory.mktemp("line")
    made = Line(folder, local_mlflow(folder), "descended")
    made.answer(asked("a", "yes", None, scope="current"))
    made.answer(asked("a", "no", "yes"))
    made.serve(1)
    restore_previous(made.ledger, made.registry, made.served[-1], reason="wrong dates", actor="someone")
    return made


@pytest.fixture
def services(line, monkeypatch) -> Services:
    return line.services(monkeypatch)


def test_from_a_version_to_its_drops_its_parents_its_run_and_who_decided(line, services):
    found = trace_version(services.project, services.ledger, services.registry, 2)
    assert [drop["digest"] for drop in found["drops"]] == [digest_of("drop 1")]
    assert [(one["version"], [drop["name"] for drop in one["drops"]]) for one in found["chain"]] == [("v1", ["drop 0"])]
    decided = [(one["kind"], one["actor"], one["forced"], one["reason"]) for one in found["decisions"]]
    assert decided == [("promote", "test", True, "better"), ("rollback", "someone", False, "wrong dates")]
    assert found["reviews"] == []
    assert (found["commit"], found["tag"], found["params"], found["update"]) == ("c0", None, None, "u0002")
    assert line.registry.report(2, "answers.jsonl")
    assert found["run"] == line.registry.run(2)
    assert found["digest"] == line.ledger.versions.get(line.registry.name, 2).digest
    with pytest.raises(AbreastError, match="no version v9"):
        trace_version(services.project, services.ledger, services.registry, 9)


def test_from_a_drop_to_the_versions_that_know_it(line, services):
    found = trace_drop(services.ledger, services.line, "drop 1")
    assert (found["learned_by"], found["known_by"], found["champion_knows"]) == (["v2"], ["v2", "v3"], True)
    assert found["updates"] == [{"update": "u0002", "status": "promoted"}]
    withdraw_drop(services.ledger, services.registry, "drop 1", reason="a join gone wrong", actor="someone")
    again = trace_drop(services.ledger, services.line, digest_of("drop 1")[:10])
    assert (again["withdrawn"]["reason"], again["champion_knows"]) == ("a join gone wrong", False)


def test_from_a_key_to_what_each_version_answered(services):
    versions = trace_key(services.project, services.ledger, services.registry, "a")["versions"]
    told = [(one["version"], one["taught"], [asked["said"] for asked in one["answers"]]) for one in versions]
    assert told == [("v1", None, ["yes"]), ("v2", None, ["no"]), ("v3", None, [])], "knowledge is kept nowhere here"
    with pytest.raises(AbreastError, match="no version was taught anything of key 'z'"):
        trace_key(services.project, services.ledger, services.registry, "z")


def test_a_report_that_is_not_kept(line):
    with pytest.raises(AbreastError, match=r"MLflow keeps no reports/none.csv of v1 of descended"):
        line.registry.report(1, "none.csv")
