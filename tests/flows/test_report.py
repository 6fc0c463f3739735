from tasks.update import figures


def test_one_row_a_measure_and_the_base_with_examples_where_it_was_asked():
    metrics = {
        "candidate": {"current_exact_match": 0.98765, "stale_rate": None},
        "champion": None,
        "base": {"current_exact_match": 0.0},
        "in_context": None,
        "counts": {"current": 3},
    }
    row = {"measure": "current_exact_match", "candidate": 0.9877, "champion": None, "base": 0.0}
    assert figures(metrics)[0] == row
    shown = figures(metrics | {"in_context": {"current_exact_match": 0.5, "examples": 4}})
    assert shown[0] == row | {"in_context": 0.5}
    assert [one["measure"] for one in shown] == ["current_exact_match", "stale_rate"]
