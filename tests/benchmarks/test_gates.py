import re

from benchmarks.gates import main
from tests.benchmarks.made_up_measurements import is_picture


def test_the_tables_hold_the_promised_levels(tmp_path, capsys):
    main(["--quick", "--out", str(tmp_path)])
    said = capsys.readouterr().out
    tables = {part.split("\n", 1)[0]: re.findall(r"^\| (.*) \|$", part, re.M)[1:] for part in said.split("## ")[1:]}
    null = [row.split(" | ") for row in tables["A/A, 200 promotions each"]]
    assert {row[0] for row in null} == {"gain", "retained_exact_match", "retention"}
    for gate, _, _, passed, _, failed in null:
        assert share(passed if gate == "gain" else failed) <= 8.0, "5 %, and what 200 drawings may add"
    for row in tables["A loss of exactly the margin"]:
        assert share(row.split(" | ")[-1]) <= 9.0
    for row in tables["Questions for 80 % power"]:
        assert share(row.split(" | ")[-1]) >= 70.0
    for row in tables["Slices, 200 promotions"]:
        assert share(row.split(" | ")[3]) <= 9.0
    for row in tables["A/A with a look after every 5 of 200, 200 promotions"]:
        assert share(row.split(" | ")[3]) <= 9.0
    assert is_picture(tmp_path / "power.png")


def share(cell: str) -> float:
    return float(cell.removesuffix(" %"))
