from abreast.reports.tables import by_drop, by_slice
from tests.learning.project import question

ASKED = [
    question("a", "1").model_copy(update={"domain": "north", "drop_name": "late", "arrived_at": "2024-10-01"}),
    question("b", "2").model_copy(update={"source": "wiki", "drop": "1" * 64, "drop_name": "early"}),
    question("c", "北京", asked="首都是哪里", kind="instruction")
    .model_copy(update={"domain": "north", "drop": "1" * 64})
    .model_copy(update={"drop_name": "early"}),
]
RIGHT = {"base": [False, False, True], "champion": None, "candidate": [True, False, True]}


def test_drops_in_the_order_of_their_arrival():
    assert by_drop(ASKED, RIGHT) == [
        {"drop": "1" * 64, "name": "early", "questions": 2, "base": 0.5, "champion": None, "candidate": 0.5},
        {"drop": "0" * 64, "name": "late", "questions": 1, "base": 0.0, "champion": None, "candidate": 1.0},
    ]


def test_slices_by_kind_domain_source_and_language():
    rows = {
        (row["by"], row["name"]): (row["questions"], row["base"], row["candidate"]) for row in by_slice(ASKED, RIGHT)
    }
    assert rows == {
        ("kind", "fact"): (2, 0.0, 0.5),
        ("kind", "instruction"): (1, 1.0, 1.0),
        ("domain", "north"): (2, 0.5, 1.0),
        ("domain", "test"): (1, 0.0, 0.0),
        ("source", "wiki"): (1, 0.0, 0.0),
        ("source", "(none)"): (2, 0.5, 1.0),
        ("language", "latin"): (2, 0.0, 0.5),
        ("language", "chinese"): (1, 1.0, 1.0),
    }
    assert by_slice([], dict.fromkeys(RIGHT, [])) == []
