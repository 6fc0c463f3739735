import pytest

from abreast.dataset.held_out import rows_for_use
from abreast.knowledge.knowledge_base import apply_drops
from tests.dataset.making import drop, release

USES = ("train", "dev", "test")
MANY = [{"text": f"text number {n}", "label": "ab"[n % 2]} for n in range(400)]


def sides(*rows: dict) -> dict[str, set[str]]:
    """By use the texts that serve it."""
    base, _ = apply_drops(None, [drop("d", list(rows))])
    return {use: set(rows_for_use(base, use)["attributes"]) for use in USES}


def test_a_tenth_is_asked_a_twentieth_during_training_and_no_record_serves_twice():
    found = sides(*MANY)
    assert sum(map(len, found.values())) == len(set.union(*found.values())) == 400
    assert 24 <= len(found["test"]) <= 60
    assert 8 <= len(found["dev"]) <= 36


def test_a_record_stays_on_its_side_whatever_else_arrives():
    assert sides(*MANY[:200])["test"] <= sides(*MANY)["test"]


def test_facts_serve_every_use():
    base, _ = apply_drops(None, [drop("d", [release("P", "1", "1.0", "2024-01-01")])])
    assert [len(rows_for_use(base, use)) for use in USES] == [1, 1, 1]


@pytest.mark.parametrize(
    "others",
    [
        lambda text: [{"text": text.upper() + " !!", "label": "c"}, {"text": f"  {text}.", "target": 1.0}],
        lambda text: [{"tokens": text.split(), "tags": ["O"] * 3}, {"prompt": text + "?", "completion": "x"}],
        lambda text: [{"text": text.replace(" ", "\u3000"), "label": "d"}, {"text": text}],
    ],
)
def test_texts_that_differ_in_case_width_and_punctuation_are_on_one_side(others):
    for row in MANY[:15]:
        found = sides(row, *others(row["text"]))
        assert sum(bool(side) for side in found.values()) == 1


def test_chinese_is_drawn_as_any_other_text_and_signs_alone_are_a_name_too():
    rows = [{"text": f"第{n}张卡什么时候到?", "label": "到货"} for n in range(200)]
    assert 8 <= len(sides(*rows)["test"]) <= 36
    assert len(sides({"text": "!?", "label": "a"}, {"text": "?!", "label": "b"})) == 3


def test_a_key_decides_where_there_is_one():
    rows = [{"key": "k", "text": f"text {n}", "label": "a", "as_of": f"2024-01-{n:02d}"} for n in range(1, 20)]
    assert sum(bool(side) for side in sides(*rows).values()) == 1
