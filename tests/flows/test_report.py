from abreast.reports.metrics import EvaluationMetrics
from tasks.update import measure_rows


def test_one_row_a_measure_and_the_base_with_examples_where_it_was_asked():
    metrics = {
        "candidate": {"current_exact_match": 0.98765, "stale_rate": None},
        "champion": None,
        "base": {"current_exact_match": 0.0},
        "in_context": None,
        "counts": {"current": 3},
    }
    row = {"measure": "current_exact_match", "candidate": 0.9877, "champion": None, "base": 0.0}
    assert measure_rows(EvaluationMetrics.model_validate(metrics))[0] == row
    examples = {"in_context": {"current_exact_match": 0.5, "examples": 4}}
    shown = measure_rows(EvaluationMetrics.model_validate(metrics | examples))
    assert shown[0] == row | {"in_context": 0.5}
    accuracies = [f"{scope}_exact_match" for scope in ("current", "retained", "known")]
    assert [one["measure"] for one in shown] == [*accuracies, "stale_rate", "general_perplexity"]
