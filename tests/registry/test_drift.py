import json

import pytest

from abreast.errors import AbreastError
from abreast.registry.drift import read_live


def test_live_questions_are_read_from_a_file_or_a_folder_in_order(tmp_path):
    (tmp_path / "b.jsonl").write_text(json.dumps({"question": "Second?", "at": "2026-01-02"}) + "\n\n")
    (tmp_path / "a.jsonl").write_text(json.dumps({"question": "First?"}) + "\n")
    (tmp_path / "notes.txt").write_text("not a log")
    assert read_live(tmp_path) == ["First?", "Second?"]
    assert read_live(tmp_path / "b.jsonl") == ["Second?"]


@pytest.mark.parametrize("line", ["{", "[]", '"text"', "{}", '{"question": 3}', '{"question": " "}'])
def test_a_line_without_a_question_is_named(tmp_path, line):
    (tmp_path / "log.jsonl").write_text(f'{{"question": "Right?"}}\n{line}\n')
    with pytest.raises(AbreastError, match=r"log\.jsonl: line 2: must be a JSON object with a text `question`"):
        read_live(tmp_path / "log.jsonl")


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(AbreastError, match=r"gone\.jsonl: not readable"):
        read_live(tmp_path / "gone.jsonl")
