import pytest

from abreast.dataset.templates import load_templates
from abreast.evaluation.drift.sample import sample_of_rows
from abreast.knowledge.knowledge_base import apply_drops
from tests.dataset.making import drop, fact, release
from tests.installation import SOURCE

TEMPLATES = load_templates(SOURCE / "abreast/dataset/templates.yaml")


@pytest.fixture
def rows():
    told = [
        release("Python", "3.12", "3.12.1", "2024-01-01"),
        {"text": "Where is my card?", "label": "card", "domain": "bank"},
        {"text": "The cat sat on the mat."},
    ]
    gone = [fact("old/1", "x", "2024-01-01"), fact("old/1", None, "2024-02-01")]
    base, _ = apply_drops(None, [drop("first", told), drop("second", gone, day=2)])
    return base


def test_each_valid_row_becomes_a_question_and_raw_text_stays(rows):
    found = sample_of_rows(rows, TEMPLATES, 10, "drift")
    assert len(found.texts) == 3
    assert {"Where is my card?", "The cat sat on the mat."} < set(found.texts)
    (asked,) = set(found.texts) - {"Where is my card?", "The cat sat on the mat."}
    assert "Python" in asked and "3.12.1" not in asked
    assert sorted(found.groups["kind"]) == ["classification", "fact", "text"]
    assert sorted(found.groups["domain"]) == ["bank", "none", "none"]
    assert found.groups["label"] == ["card"]


def test_a_sample_is_deterministic(rows):
    assert sample_of_rows(rows, TEMPLATES, 2, "drift") == sample_of_rows(rows, TEMPLATES, 2, "drift")
    assert len(sample_of_rows(rows, TEMPLATES, 2, "drift").texts) == 2
