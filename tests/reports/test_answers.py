import pytest

from abreast.core.errors import AbreastError
from abreast.metrics.task_metrics import TextLikelihood
from abreast.reports.answers import read_reports, write_answers, write_texts
from tests.learning.project import question

ASKED = [question("a", "1.5", stale=("1.4",)), question("b", "2.7", "retained")]


def test_what_is_written_is_read(tmp_path):
    said = {"base": ["x", "y"], "champion": None, "candidate": ["1.4", "2.7"]}
    right = write_answers(tmp_path / "answers.jsonl", ASKED, said, 0.0)
    assert right == {"base": [False, False], "champion": None, "candidate": [False, True]}
    text = question("t", "It rains.", "retained", kind="text")
    write_texts(tmp_path / "texts.jsonl", [text], {"base": [TextLikelihood(-2.0, 7)], "champion": None})
    (tmp_path / "metrics.json").write_text('{"candidate": {}}')
    reports = read_reports(tmp_path)
    assert reports.metrics == {"candidate": {}}
    first, second = reports.answers
    assert (first.key, first.scope, first.domain) == ("a", "current", "test")
    assert first.right == {"base": False, "champion": None, "candidate": False}
    assert first.outdated == {"base": False, "champion": None, "candidate": True}
    assert (second.right["candidate"], second.outdated) == (True, None)
    (piece,) = reports.texts
    assert (piece.key, piece.scope, piece.tokens) == ("t", "retained", 7)
    assert piece.means == {"base": -2.0, "champion": None}


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(AbreastError, match=r"metrics\.json: not readable .*; run the stage `evaluate`"):
        read_reports(tmp_path)
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(AbreastError, match=r"answers\.jsonl: not readable \(No such file"):
        read_reports(tmp_path)
    write_answers(tmp_path / "answers.jsonl", ASKED, {"candidate": ["1.5", "2.7"]}, 0.0)
    (tmp_path / "texts.jsonl").write_text('{"key": "t"}\n')
    with pytest.raises(AbreastError, match=r"texts\.jsonl: line 1: scope: Field required; run the stage"):
        read_reports(tmp_path)
