import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.knowledge.knowledge_base import (
    apply_drops,
    ended_values,
    known_values,
    latest_rows,
    read_base,
    superseded_values,
    valid_rows,
    write_base,
)
from tests.dataset.making import drop, fact
from tests.hypothesis_examples import trials


def _history(base, key):
    rows = base[base["key"] == key].astype(object)
    rows = rows.where(rows.notna(), None)
    return list(zip(rows["value"], rows["valid_from"], rows["valid_until"], strict=True))


def _changes(changes):
    return dict(zip(changes["key"], changes["change"], strict=True))


def _stream(*drops):
    base, changes = None, None
    for day, rows in enumerate(drops, start=1):
        base, changes = apply_drops(base, [drop(f"d{day}", rows, day)])
    return base, changes


def test_later_record_supersedes_and_nothing_is_deleted():
    base, changes = _stream([fact("a", "1", "2024-01-01")], [fact("a", "2", "2024-04-01")])
    assert _history(base, "a") == [("1", "2024-01-01", "2024-04-01"), ("2", "2024-04-01", None)]
    assert _changes(changes) == {"a": "changed"}
    assert list(changes["previous"]) == ["1"]
    assert known_values(base) == {"a": "2"}
    assert superseded_values(base, ["a"]) == {"a": ["1"]}


def test_restating_changes_nothing():
    base, changes = _stream([fact("a", "1", "2024-01-01")], [fact("a", "1", "2024-04-01", product="renamed")])
    assert _history(base, "a") == [("1", "2024-01-01", None)]
    assert list(base["confirmed"]) == ["2024-04-01"]
    assert list(base["drop_name"]) == ["d1"]
    assert changes.empty


def test_older_record_becomes_history():
    base, changes = _stream([fact("a", "2", "2024-04-01")], [fact("a", "1", "2024-01-01")])
    assert _history(base, "a") == [("1", "2024-01-01", "2024-04-01"), ("2", "2024-04-01", None)]
    assert changes.empty
    assert superseded_values(base, ["a"]) == {"a": ["1"]}


def test_older_record_does_not_supersede_a_value_restated_since():
    base, changes = _stream(
        [fact("a", "1", "2024-01-01")], [fact("a", "1", "2024-07-01")], [fact("a", "2", "2024-04-01")]
    )
    assert known_values(base) == {"a": "1"}
    assert changes.empty
    assert [value for value, _, _ in _history(base, "a")] == ["1", "2", "1"]
    assert superseded_values(base, ["a"]) == {"a": ["2"]}
    assert ended_values(base) == {"a": {"2": "2024-07-01"}}


def test_a_value_that_ended_twice_ended_on_the_later_day():
    base, _ = _stream(
        *([fact("a", value, f"2024-0{n}-01")] for n, value in enumerate("1213", start=1)), [fact("b", "1")]
    )
    assert ended_values(base) == {"a": {"1": "2024-04-01", "2": "2024-03-01"}}
    assert ended_values(apply_drops(base, [drop("x", [fact("a", None, "2024-05-01")], 9)])[0])["a"]["3"] == "2024-05-01"


def test_withdrawn_and_revived():
    first, gone, back = [fact("a", "1", "2024-01-01", product="A")], [fact("a", None)], [fact("a", "3", "2024-07-01")]
    base, changes = _stream(first, gone)
    assert _changes(changes) == {"a": "withdrawn"}
    assert known_values(base) == {"a": None}
    assert len(latest_rows(base)) == 1
    assert valid_rows(base).empty
    assert list(changes["attributes"]) == ['{"product":"A"}']
    base, changes = _stream(first, gone, back)
    assert _changes(changes) == {"a": "revived"}
    assert known_values(base) == {"a": "3"}
    assert len(_history(base, "a")) == 3


def test_withdrawing_an_unknown_key_is_no_change():
    base, changes = _stream([fact("a", None)])
    assert changes.empty
    assert known_values(base) == {"a": None}


def test_change_that_is_undone_within_one_snapshot_is_no_change():
    base, _ = _stream([fact("a", "1", "2024-01-01")])
    later = [drop("x", [fact("a", "2", "2024-02-01")], 2), drop("y", [fact("a", "1", "2024-03-01")], 3)]
    base, changes = apply_drops(base, later)
    assert known_values(base) == {"a": "1"}
    assert changes.empty


def test_same_day_from_two_drops_the_later_arrival_wins():
    drops = [drop("x", [fact("a", "1")], 1), drop("y", [fact("a", "2")], 2)]
    for order in (drops, drops[::-1]):
        base, _ = apply_drops(None, order)
        assert known_values(base) == {"a": "2"}


def test_two_contents_for_one_day_in_one_drop_are_refused():
    with pytest.raises(AbreastError, match="drop x: key a has two different contents as of 2024-04-01"):
        apply_drops(None, [drop("x", [fact("a", "1"), fact("b", "1"), fact("a", "2")])])


def test_exact_repetition_counts_once():
    base, _ = apply_drops(None, [drop("x", [fact("a", "1"), fact("a", "1")])])
    assert len(base) == 1


def test_without_as_of_the_day_of_arrival_counts():
    base, _ = apply_drops(None, [drop("x", [fact("a", "1", None)], 9)])
    assert _history(base, "a") == [("1", "2024-06-09", None)]
    assert base["as_of"].isna().all()


def test_records_without_key_stand_for_themselves():
    pair = {"prompt": "Say hello.", "completion": "Hello."}
    base, changes = _stream([pair, {"text": "Rain."}], [pair], [{**pair, "completion": "Hi."}])
    assert len(base) == len(valid_rows(base)) == 3
    assert list(changes["value"]) == ["Hi."]
    assert known_values(base) == {}


def test_instruction_with_a_key_is_superseded_when_its_prompt_changes():
    pair = {"key": "greeting", "prompt": "Greet.", "completion": "Hello.", "as_of": "2024-01-01"}
    base, changes = _stream([pair], [{**pair, "prompt": "Say hello.", "as_of": "2024-04-01"}])
    assert _changes(changes) == {"greeting": "changed"}
    assert len(valid_rows(base)) == 1


def test_parquet_keeps_everything(tmp_path):
    base, _ = _stream([fact("a", "1"), {"text": "Rain."}], [fact("a", None, "2024-07-01")])
    write_base(tmp_path / "k.parquet", base)
    again = read_base(tmp_path / "k.parquet")
    assert again.equals(base)
    assert (again.dtypes == base.dtypes).all()


def test_a_file_that_is_no_knowledge_base_is_refused(tmp_path):
    with pytest.raises(AbreastError, match="no such file"):
        read_base(tmp_path / "k.parquet")
    (tmp_path / "k.parquet").write_text("not parquet")
    with pytest.raises(AbreastError, match="no Parquet file"):
        read_base(tmp_path / "k.parquet")
    base, _ = _stream([fact("a", "1")])
    write_base(tmp_path / "k.parquet", base.drop(columns="drop"))
    with pytest.raises(AbreastError, match="column `drop` is missing"):
        read_base(tmp_path / "k.parquet")


DAYS = [f"2024-{month:02d}-01" for month in range(1, 7)]
FACTS = st.tuples(st.sampled_from("abc"), st.sampled_from(["1", "2", "3", None]), st.sampled_from(DAYS))


def _rows(facts):
    """At most one content for a key and a day."""
    return [fact(key, value, day) for (key, day), value in {(k, d): v for k, v, d in facts}.items()]


STREAM = st.lists(st.lists(FACTS, min_size=1, max_size=5).map(_rows), min_size=1, max_size=5)


def _oracle(stream):
    """The present value of each key: the last statement by day, then by arrival."""
    said = [(row["as_of"], arrival, row["key"], row["value"]) for arrival, rows in enumerate(stream) for row in rows]
    return {key: value for _, _, key, value in sorted(said, key=lambda s: s[:2])}


@trials(40)
@given(STREAM)
def test_current_value_is_the_last_one_stated_however_drops_are_grouped(stream):
    one_by_one, _ = _stream(*stream)
    at_once, _ = apply_drops(None, [drop(f"d{day}", rows, day) for day, rows in enumerate(stream, start=1)])
    assert known_values(one_by_one) == known_values(at_once) == _oracle(stream)
    for base in (one_by_one, at_once):
        assert not latest_rows(base)["key"].duplicated().any()
        assert not base["id"].duplicated().any()
        ended = base[base["valid_until"].notna()]
        assert (ended["valid_from"] <= ended["valid_until"]).all()
        assert (base["valid_from"] <= base["confirmed"]).all()


@trials(30)
@given(STREAM)
def test_applying_the_same_drops_again_changes_nothing(stream):
    drops = [drop(f"d{day}", rows, day) for day, rows in enumerate(stream, start=1)]
    base, _ = apply_drops(None, drops)
    again, changes = apply_drops(base, drops)
    assert changes.empty
    assert known_values(again) == known_values(base)
