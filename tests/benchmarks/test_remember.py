from benchmarks.remember import WAYS, matrix, run
from benchmarks.stream import Measured
from benchmarks.table import percent
from tests.learning.tiny import write_tiny_base


def measured(by_drop: dict[str, tuple[float, float]]) -> Measured:
    rows = {drop: {"base": base, "champion": None, "candidate": score} for drop, (base, score) in by_drop.items()}
    return Measured("x", 1, "pass", (), {}, {"train": 1.0}, 1.0, rows)


def test_the_matrix_has_a_row_for_each_version_and_a_column_for_each_drop():
    found = matrix([measured({"a": (0.0, 0.9)}), measured({"a": (0.0, 0.6), "b": (0.1, 1.0)})])
    assert found.scores == ((0.9, None), (0.6, 1.0))
    assert found.base == (0.0, 0.1)
    assert found.learned == (0, 1)
    assert percent(None) == "–"


def facts(values: dict[str, str], as_of: str) -> list[dict]:
    return [{"key": f"{key}/latest", "value": value, "as_of": as_of} for key, value in values.items()]


def test_plain_replay_rehearses_what_was_superseded_and_ours_does_not(tmp_path, monkeypatch):
    """The difference that the benchmark measures, seen in the lessons themselves."""
    monkeypatch.setenv("ABREAST_HOME", str(tmp_path / "home"))
    base = write_tiny_base(tmp_path / "base")
    drops = [
        ("one", facts({"a": "1.1", "b": "2.2", "c": "3.3"}, "2024-01-01")),
        ("two", facts({"a": "1.9"}, "2024-04-01")),
        ("three", facts({"d": "4.4"}, "2024-07-01")),
    ]
    taught = []
    for way in (WAYS["plain replay"], WAYS["superseded-aware replay"]):
        seen: list[str] = []

        def look(folder, way=way, seen=seen):
            way.before_training(folder)
            seen[:] = [line for line in (folder / "data/train.jsonl").read_text().splitlines() if '"a/latest"' in line]

        knobs = {"model": {"base": str(base), "device": "cpu"}}
        knobs["train"] = {"epochs": 1, "layers": 2, "adapt": {"method": "lora", "rank": 4, "alpha": 8}, "remember": []}
        spied = type(way)(knobs, look)
        run(spied, drops, 17)
        taught.append("".join(seen))
    assert '"1.1"' in taught[0]
    assert '"1.1"' not in taught[1]
    assert '"1.9"' in taught[0]
    assert '"1.9"' in taught[1]


def test_every_way_names_knobs_that_exist():
    from abreast.config import Params
    from abreast.learning.strategies import make_strategies

    for way in WAYS.values():
        for section, values in way.knobs.items():
            assert set(values) <= set(type(getattr(Params(), section)).model_fields)
        make_strategies(way.knobs.get("train", {}).get("remember", []))
