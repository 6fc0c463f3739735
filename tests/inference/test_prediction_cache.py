import json

from abreast.inference.prediction_cache import PredictionCache


def test_only_missing_answers_are_computed(tmp_path):
    asked = []

    def ask(numbers):
        asked.append(numbers)
        return [f"answer {number}" for number in numbers]

    assert PredictionCache(tmp_path, "model", 1).get_or_compute(["a", "b"], ask) == ["answer 0", "answer 1"]
    assert PredictionCache(tmp_path, "model", 1).get_or_compute(["b", "c"], ask) == ["answer 1", "answer 1"]
    assert PredictionCache(tmp_path, "other", 1).get_or_compute(["b"], ask) == ["answer 0"]
    assert asked == [[0, 1], [1], [0]]


def test_a_damaged_or_unwritable_cache_only_costs_time(tmp_path):
    PredictionCache(tmp_path, "m").get_or_compute(["a"], lambda numbers: ["x"])
    path = next(tmp_path.iterdir())
    path.write_text(path.read_text()[:-3])
    assert PredictionCache(tmp_path, "m").get_or_compute(["a"], lambda numbers: ["y"]) == ["y"]
    assert "y" in json.loads(path.read_text()).values()
    (tmp_path / "file").write_text("")
    assert PredictionCache(tmp_path / "file/folder", "m").get_or_compute(["a"], lambda numbers: ["z"]) == ["z"]
