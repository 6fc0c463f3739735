import pytest

from abreast.core.errors import AbreastError
from abreast.knowledge.record import FactRecord, RecordError, canonical_json, infer_kind, parse_record, record_row

GOOD = {
    "fact": {"key": "python/3.12/latest", "value": "3.12.2", "product": "Python", "as_of": "2024-04-01"},
    "instruction": {"prompt": "Say hello.", "completion": "Hello.", "domain": "manners"},
    "classification": {"text": "Where is my card?", "label": "card_arrival"},
    "tagging": {"tokens": ["Ada", "wrote"], "tags": ["B-PER", "O"]},
    "regression": {"text": "two rooms", "target": 850.5},
    "text": {"text": "Rain is likely."},
}


@pytest.mark.parametrize("kind", GOOD)
def test_kind_is_inferred_from_the_columns_and_the_row_comes_back(kind):
    record = parse_record(GOOD[kind])
    assert record.kind == kind
    row = record_row(record)
    assert row == {"kind": kind, **GOOD[kind]}
    assert parse_record(row) == record


def test_messages_are_an_instruction():
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    assert parse_record({"messages": turns}).kind == "instruction"
    assert record_row(parse_record({"messages": turns}))["messages"] == turns


def test_fact_keeps_a_null_value_and_its_attributes():
    fact = parse_record({"key": "a/1/eol", "value": None, "product": "A", "release": None})
    assert isinstance(fact, FactRecord)
    assert fact.attributes == {"product": "A"}
    assert record_row(fact) == {"kind": "fact", "key": "a/1/eol", "value": None, "product": "A"}


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ({"key": "a"}, "kind", "`value` is missing"),
        ({"value": "a"}, "kind", "`key` is missing"),
        ({"prompt": "a"}, "kind", "`completion` is missing"),
        ({"label": "a"}, "kind", "needs one of"),
        ({"kind": "picture"}, "kind", "unknown kind"),
        ({"kind": "fact", "key": "a"}, "value", "is missing"),
        ({"key": "a", "value": 3.12}, "value", "must be text, got float"),
        ({"key": "a", "value": ""}, "value", "null withdraws"),
        ({"key": "", "value": "x"}, "key", "is empty"),
        ({"key": " a", "value": "x"}, "key", "space"),
        ({"key": "a", "value": "x", "release": 3}, "release", "must be text, got int"),
        ({"key": "a", "value": "x", "as_of": "2024-13-01"}, "as_of", "such as 2024-04-01"),
        ({"key": "a", "value": "x", "as_of": "20240401"}, "as_of", "such as 2024-04-01"),
        ({"text": "a", "label": "b", "category": "c"}, "category", "unknown column"),
        ({"tokens": ["a", "b"], "tags": ["O"]}, "tagging", "one tag a token"),
        ({"text": "a", "target": float("nan")}, "target", "finite"),
        ({"messages": [{"role": "user", "content": "a"}]}, "instruction", "assistant"),
        ({"prompt": "a", "completion": "b", "messages": []}, "instruction", "one form"),
    ],
)
def test_a_refusal_names_column_and_remedy(row, field, says):
    with pytest.raises(RecordError) as caught:
        parse_record(row)
    assert caught.value.field == field
    assert says in caught.value.message
    assert isinstance(caught.value, AbreastError)


def test_reasons_never_repeat_the_content():
    with pytest.raises(RecordError) as caught:
        parse_record({"key": "a", "value": ["someone@example.org"]})
    assert "someone" not in str(caught.value)


def test_fact_may_have_attributes_named_like_other_kinds_columns():
    assert infer_kind({"key": "a", "value": "b", "text": "c", "label": "d"}) == "fact"


def test_canonical_json_does_not_depend_on_the_order_of_columns():
    assert canonical_json({"b": 1, "a": "é\ud800"}) == canonical_json({"a": "é\ud800", "b": 1})
