from abreast.evaluation.plots import plot_retention
from abreast.reports.tables import DropRow


def test_one_picture_for_any_number_of_drops_the_same_bytes_each_time(tmp_path):
    rows = [
        {"name": "first", "questions": 60, "base": 0.0, "champion": 0.97, "candidate": 0.95},
        {"name": "second", "questions": 18, "base": 0.0, "champion": None, "candidate": 1.0},
    ]
    shown = [row | {"in_context": 0.5} for row in rows]
    for name, some in (("a", rows), ("b", rows), ("none", []), ("shown", shown)):
        plot_retention([DropRow(drop="d", **row) for row in some], tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "shown.png").read_bytes() != (tmp_path / "a.png").read_bytes()
