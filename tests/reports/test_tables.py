from abreast.reports.tables import DropRow, rows_by_drop, rows_by_slice
from tests.learning.project import question

ASKED = [
    question("a", "1").model_copy(update={"domain": "north", "drop_name": "late", "arrived_at": "2024-10-01"}),
    question("b", "2").model_copy(update={"source": "wiki", "drop": "1" * 64, "drop_name": "early"}),
    question("c", "北京", asked="首都是哪里", kind="instruction")
    .model_copy(update={"domain": "north", "drop": "1" * 64})
    .model_copy(update={"drop_name": "early"}),
]
CORRECT = {"base": [False, False, True], "champion": None, "candidate": [True, False, True]}


def test_drops_come_in_order_of_arrival():
    assert rows_by_drop(ASKED, CORRECT) == (
        DropRow(drop="1" * 64, name="early", questions=2, base=0.5, champion=None, candidate=0.5),
        DropRow(drop="0" * 64, name="late", questions=1, base=0.0, champion=None, candidate=1.0),
    )


def test_slices_by_kind_domain_source_and_language():
    rows = {(row.by, row.name): (row.questions, row.base, row.candidate) for row in rows_by_slice(ASKED, CORRECT)}
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
    assert rows_by_slice([], dict.fromkeys(CORRECT, [])) == ()
