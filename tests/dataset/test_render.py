import pytest

from abreast.dataset.render import answer_of, phrasings_of, plain_rows
from abreast.dataset.templates import load_templates
from abreast.knowledge.knowledge_base import apply_drops, latest_rows
from tests.dataset.making import drop, fact
from tests.dataset.test_templates import SHIPPED

TEMPLATES = load_templates(SHIPPED)


def asked(*rows: dict) -> tuple[str, str]:
    """Question and answer of what stands after the rows."""
    (row,) = plain_rows(latest_rows(apply_drops(None, [drop("d", list(rows))])[0]))
    return phrasings_of(row, TEMPLATES).test[0], answer_of(row, TEMPLATES)


@pytest.mark.parametrize(
    ("row", "question", "answer"),
    [
        ({"text": "Where is my card?", "label": "card_arrival"}, "Where is my card?", "card_arrival"),
        ({"text": "我的卡在哪里?", "label": "到货"}, "我的卡在哪里?", "到货"),
        ({"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]}, "Ada wrote", "PER: Ada"),
        ({"text": "two rooms", "target": 850}, "two rooms", "850"),
        ({"text": "Rain is likely."}, "", "Rain is likely."),
        ({"prompt": "Who?", "completion": "Ada"}, "Who?", "Ada"),
    ],
)
def test_what_is_asked_about_each_kind_and_what_is_right(row, question, answer):
    assert asked(row) == (question, answer)


def test_a_fact_that_withdraws_another_kind_is_told_as_withdrawn():
    label = {"key": "k", "text": "a", "label": "b", "as_of": "2024-01-01"}
    assert asked(label, fact("k", None))[1] == TEMPLATES.withdrawn
