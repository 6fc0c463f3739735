import pytest

from abreast.core.errors import AbreastError
from abreast.dataset.examples import Example, Question, read_examples, read_questions, write_jsonl

EXAMPLE = Example(id="1-0", key="a", kind="fact", domain="", drop="d", role="new", question="wer? 😀", answer="1")
QUESTION = Question(
    id="1-test",
    key="a",
    kind="fact",
    domain="",
    source="",
    drop="d",
    drop_name="d",
    arrived_at="2024-04-01T00:00:00.000000+00:00",
    scope="current",
    question="a?",
    answer="1",
    stale=("0",),
)


def test_lines_are_read_back(tmp_path):
    assert write_jsonl(tmp_path / "data" / "e.jsonl", [EXAMPLE, EXAMPLE]) == 2
    assert read_examples(tmp_path / "data" / "e.jsonl") == [EXAMPLE, EXAMPLE]
    write_jsonl(tmp_path / "q.jsonl", [QUESTION])
    assert read_questions(tmp_path / "q.jsonl") == [QUESTION]


def test_bad_lines_are_named(tmp_path):
    path = tmp_path / "q.jsonl"
    with pytest.raises(AbreastError, match="no such file; the stage `split` writes it"):
        read_questions(path)
    write_jsonl(path, [QUESTION, EXAMPLE])
    with pytest.raises(AbreastError, match=r"q.jsonl: line 2: source: Field required"):
        read_questions(path)
