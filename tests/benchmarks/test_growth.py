import pytest

from abreast.core.settings import Split
from abreast.dataset.split import held_out_questions, split_counts, training_examples
from abreast.dataset.templates import load_templates
from abreast.knowledge.knowledge_base import apply_drops
from benchmarks.growth import NEW, START, SUPERSEDED, growth_table, made_up_drops, plot_growth, slope_of, trends
from benchmarks.learn_stream import SOURCE
from tests.benchmarks.made_up_measurements import is_picture, measured
from tests.dataset.making import drop


def test_each_drop_is_of_one_size_and_supersedes_some_of_the_one_before():
    first, *later = made_up_drops(6)
    assert len(first[1]) == START
    known = {row["key"]: row for row in first[1]}
    for _, rows in later:
        again = [row for row in rows if row["key"] in known]
        assert (len(rows), len(again)) == (NEW + SUPERSEDED, SUPERSEDED)
        assert all(row["value"] != known[row["key"]]["value"] for row in again)
        assert all(row["as_of"] > known[row["key"]]["as_of"] for row in again)
        known = {row["key"]: row for row in rows}


def test_from_the_second_drop_on_as_much_is_taught_replayed_and_asked_as_ever():
    """What the knobs allow is reached at once, so that what still grows is the history alone."""
    templates, base, counts = load_templates(SOURCE / "abreast/dataset/templates.yaml"), None, []
    for number, (name, rows) in enumerate(made_up_drops(6), start=1):
        base, changes = apply_drops(base, [drop(name, rows, number)])
        dev, questions = held_out_questions(base, changes, templates, Split())
        counts.append(split_counts(training_examples(base, changes, templates, Split()), dev, questions))
    for part in ("new_examples", "replayed_examples", "dev_questions", "current_questions", "retained_questions"):
        assert len({count[part] for count in counts[1:]}) == 1, part
    assert counts[1]["replayed_examples"] > 0


def test_growth_is_the_slope_of_the_nearest_line():
    assert slope_of([10.0, 12.0, 14.0]) == (pytest.approx(2.0), pytest.approx(2 / 12))
    assert slope_of([5.0, 6.0, 5.0])[0] == pytest.approx(0.0)


def test_the_first_drop_does_not_count_for_the_trend_and_all_are_shown(tmp_path):
    done = [measured({"a": (0.0, 1.0)}, 90), *(measured({"a": (0.0, 1.0)}, number) for number in (2, 3, 4))]
    assert "+0.00 s a drop, +0.00% of the mean of 15 s" in trends(done)
    assert "+1000.00 tokens a drop, +33.33%" in trends(done)
    assert len(growth_table(done).splitlines()) == 2 + 4
    plot_growth(done, tmp_path / "growth.png")
    assert is_picture(tmp_path / "growth.png")
