import pytest

from benchmarks.retention_summary import as_zero_shot, mean_summary, retention_matrix, summarize, summary_table
from tests.benchmarks.made_up_measurements import measured

TWO = [measured({"a": (0.0, 0.9)}), measured({"a": (0.0, 0.6), "b": (0.1, 1.0)}, 2)]
OTHER = [measured({"a": (0.0, 1.0)}), measured({"a": (0.0, 0.8), "b": (0.1, 1.0)}, 2)]
JOINT = [measured({"a": (0.0, 1.0), "b": (0.1, 1.0)}, 10)]


def test_the_matrix_has_a_row_for_each_version_and_a_column_for_each_drop():
    found = retention_matrix(TWO)
    assert found.scores == ((0.9, None), (0.6, 1.0))
    assert found.base == (0.0, 0.1)
    assert found.learned == (0, 1)


def test_a_way_is_measured_after_the_last_drop_and_its_cost_is_that_of_the_last_and_of_all():
    found = summarize(TWO, ("classification", "macro_f1"))
    assert found.average == pytest.approx(0.8)
    assert found.forgetting == pytest.approx(0.3)
    assert found.backward == pytest.approx(-0.3)
    assert (found.stale, found.own) == (0.25, 0.4)
    assert found.perplexity == pytest.approx(1.1)
    assert (found.last_tokens, found.last_seconds, found.seconds, found.peak_mb) == (2000, 4.0, 8.0, 500.0)


def test_joint_training_has_forgotten_nothing_that_could_be_measured():
    found = summarize(JOINT, None)
    assert (found.average, found.forgetting, found.backward, found.own) == (1.0, None, None, None)


def test_zero_shot_is_the_untrained_base_on_the_same_questions_and_costs_no_training():
    found = summarize(as_zero_shot(TWO[-1:]), ("classification", "macro_f1"))
    assert found.average == pytest.approx(0.05)
    assert (found.perplexity, found.stale, found.own) == (1.0, 0.0, 0.0)
    assert (found.last_tokens, found.last_seconds, found.peak_mb) == (0, 0.0, 500.0)


def test_the_mean_over_seeds_is_shown_with_the_lowest_and_the_highest():
    runs = [summarize(run, None) for run in (TWO, OTHER)]
    assert mean_summary(runs).average == pytest.approx(0.85)
    lines = summary_table({"ours": runs, "joint": [summarize(JOINT, None)]}).splitlines()
    assert "| ours | 2 | 85.0 % (80.0 to 90.0) | 25.0 % (20.0 to 30.0) |" in lines[2]
    assert "| 2000 (20 %) | 4 (100 %) |" in lines[2]
    assert "| joint | 1 | 100.0 % | – | – |" in lines[3]


def test_the_kinds_own_measure_is_a_column_if_the_stream_names_one():
    runs = {"ours": [summarize(TWO, ("classification", "macro_f1"))]}
    assert "macro f1" not in summary_table(runs)
    head, _, row = summary_table(runs, own="macro f1").splitlines()
    assert row.split("|")[head.split("|").index(" macro f1 ")] == " 40.0 % "
