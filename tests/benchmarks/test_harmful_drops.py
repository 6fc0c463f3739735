from benchmarks.harmful_drop_gates import DropResult, caught_table, examine_drop
from benchmarks.harmful_drops import TRIGGER, blanked, repeated, shuffled, triggered, undated

ROWS = [{"text": f"text {n}", "label": "abc"[n % 3]} for n in range(60)]


def test_so_many_labels_are_wrong_and_no_other():
    for share, wrong in ((5, 3), (10, 6), (30, 18)):
        found = shuffled(ROWS, share, "label")
        assert [row["text"] for row in found] == [row["text"] for row in ROWS]
        assert sum(row != was for row, was in zip(found, ROWS, strict=True)) == wrong
    assert shuffled(ROWS, 10, "label") == shuffled(ROWS, 10, "label")


def test_a_phrase_comes_with_one_label_in_texts_that_had_others():
    fresh = [{"text": f"fresh {n}", "label": "abc"[n % 3]} for n in range(30)]
    planted = triggered(ROWS, fresh, "a")[len(ROWS) :]
    assert len(planted) == 20 and {row["label"] for row in planted} == {"a"}
    assert all(TRIGGER in row["text"] and int(row["text"].replace(TRIGGER, "").split()[1]) % 3 for row in planted)
    assert triggered(ROWS, fresh, "a")[: len(ROWS)] == ROWS


def test_rows_are_repeated_blanked_and_without_their_day():
    assert repeated(ROWS, 10, keyed=False)[60:] == [row for row in ROWS[:6] for _ in range(9)]
    keys = [row["key"] for row in repeated(ROWS, 10, keyed=True)[60:]]
    assert len(set(keys)) == len(keys) == 54
    assert {row["label"] for row in blanked(ROWS, lambda row: row["label"] == "b", "label", None)} == {"a", None, "c"}
    assert undated([{"key": "k", "as_of": "2024-01-01"}]) == [{"key": "k"}]


def test_the_contract_sets_repeated_rows_aside_and_refuses_ended_values(tmp_path):
    from abreast.knowledge.knowledge_base import apply_drops
    from tests.dataset.making import drop, fact

    first = [fact(f"k{n}", f"{n}.1", "2024-01-01") for n in range(12)]
    second = [fact(f"k{n}", f"{n}.2", "2024-04-01") for n in range(12)]
    base, _ = apply_drops(None, [drop("one", first, 1), drop("two", second, 2)])
    assert len(examine_drop("again", repeated(ROWS, 10, keyed=False), base, tmp_path).quarantined) == 54
    assert examine_drop("dated", first, base, tmp_path).verdict == "accepted"
    refused = examine_drop("as new", undated(first), base, tmp_path)
    assert "get back a value that had ended" in refused.reasons[0]


def test_the_table_has_a_column_for_each_gate_that_held_a_drop_up():
    figures = {"current": 0.95, "retained": 0.9, "retained before": 0.92, "stale": None, "trigger_score": 0.7}
    planted = DropResult("planted", 120, 0, "", "fail", {"trigger_score": "fail", "gain": "inconclusive"}, figures)
    stopped = DropResult("as new", 12, 2, "drop as new: it is old", "", {}, {})
    assert caught_table([planted, stopped]).splitlines()[2:] == [
        "| planted | 120 | – | fail | fail | review | 95.0 % | 90.0 % (92.0 %) | – | 0.70 |",
        "| as new | 12 | **refused** | not learned | – | – | – | – (–) | – | – |",
    ]
