from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.dataset.templates import load_templates, pick_phrasings

SHIPPED = Path("abreast/dataset/templates.yaml").resolve()
DEFAULT = "  default: {train: ['What is {key}?'], dev: ['{key} is?'], test: ['Value of {key}?']}\n"


def test_shipped_templates_hold_the_documented_question():
    about = load_templates(SHIPPED).of(
        "python/3.12/latest", {"product": "Python", "release": "3.12", "field": "latest"}
    )
    assert "What is the newest release of Python 3.12?" in about.test
    assert len(about.train) in (5, 6)
    assert len(about.test) == 3


def test_shipped_phrasings_are_short():
    for phrasings in load_templates(SHIPPED).fields.values():
        assert all(len(text.split()) <= 9 for text in (*phrasings.train, *phrasings.dev, *phrasings.test))


def test_facts_without_the_columns_of_an_entry_use_the_default():
    templates = load_templates(SHIPPED)
    assert "What is x/1?" in templates.of("x/1", {"field": "latest"}).train
    assert "What is x/1?" in templates.of("x/1", {"field": "colour", "product": "X"}).train
    assert "What is x/1?" in templates.of("x/1", {}).train


def test_own_columns_may_be_placeholders(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(
        "fields:\n  dose: {train: ['Dose of {drug}?'], dev: ['{drug} dose?'], test: ['How much {drug}?']}\n"
    )
    path.write_text(path.read_text() + DEFAULT)
    about = load_templates(path).of("k", {"field": "dose", "drug": "a {b} c"})
    assert about.test == ("How much a {b} c?",)


def test_a_key_always_gets_the_same_phrasing():
    texts = ("a", "b", "c")
    picked = [pick_phrasings(texts, f"key{n}") for n in range(60)]
    assert picked == [pick_phrasings(texts, f"key{n}") for n in range(60)]
    assert {text for (text,) in picked} == set(texts)
    assert pick_phrasings(texts, "python/3.12/latest") == ["b"]


def test_further_phrasings_come_behind_the_first():
    texts = ("a", "b", "c")
    assert pick_phrasings(texts, "python/3.12/latest", 2) == ["b", "c"]
    assert pick_phrasings(texts, "python/3.12/latest", 9) == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("fields: [", "not valid YAML"),
        ("fields:\n  latest: {train: [a], dev: [b], test: [c]}\n", "has no `default`"),
        ("fields:\n  default: {train: ['{key}'], dev: [], test: [c]}\n", "fields.default.dev"),
        ("fields:\n  default: {train: ['{product}'], dev: [b], test: [c]}\n", "must do with {key} alone"),
        ("fields:\n" + DEFAULT + "  x: {train: ['{key}?'], dev: [b], test: ['{key} ']}\n", "keep it in one"),
        ("fields:\n" + DEFAULT + "  x: {train: ['The {key}?'], dev: [b], test: ['the  {key}']}\n", "keep it in one"),
        ("fields:\n" + DEFAULT + "  x: {train: ['{key'], dev: [b], test: [c]}\n", "write a placeholder as"),
        ("fields:\n" + DEFAULT + "  x: {train: ['{key.upper}'], dev: [b], test: [c]}\n", "is no placeholder"),
        ("withdrawn: ''\nfields:\n" + DEFAULT, "withdrawn"),
        ("no_longer: no\nfields:\n" + DEFAULT, "no_longer"),
        ("no_longer: 'no, {key}'\nfields:\n" + DEFAULT, "must hold {value} and no other placeholder"),
        ("still: yes\nfields:\n" + DEFAULT, "still"),
        ("synonyms: {newest: []}\nfields:\n" + DEFAULT, "synonyms.newest"),
        ("fields:\n" + DEFAULT[:-2] + ", reverse: ['{key}?']}\n", "asks about nothing; it must contain {value}"),
        ("fields:\n" + DEFAULT[:-2] + ", contrast: ['{value}?']}\n", "asks about nothing; it must contain {claim}"),
        ("fields:\n" + DEFAULT[:-2] + ", reverse: ['{value} {city}']}\n", "must do with {key} alone, it has {city}"),
    ],
)
def test_faults_are_named(tmp_path, content, says):
    path = tmp_path / "t.yaml"
    path.write_text(content)
    with pytest.raises(AbreastError, match="t.yaml") as caught:
        load_templates(path)
    assert says in str(caught.value)


def test_missing_file_names_the_knob(tmp_path):
    with pytest.raises(AbreastError, match=r"knowledge.templates"):
        load_templates(tmp_path / "none.yaml")
