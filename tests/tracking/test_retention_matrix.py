import pytest

from abreast.core.errors import AbreastError
from abreast.ledger import Version
from abreast.metrics.retention import backward_transfer, forward_transfer
from abreast.reports.files import read_table
from abreast.reports.tables import DropRow
from abreast.tracking.heat_map import plot_matrix
from abreast.tracking.retention_matrix import BY_DROP, retention_of, shown
from tests.lifecycle.ledgers import LINE, POINTER


def row(drop, name, candidate, champion=None, base=0.0):
    return DropRow(drop=drop, name=name, base=base, champion=champion, candidate=candidate)


def version(number, *rows):
    known = {"verdict": "pass", "reasons": (), "drops": (), "created_at": "2026-01-01T00:00:00Z"}
    of = {"line": LINE, "number": number, "update": number, "parent": None, "digest": "d"} | known
    return Version(**of, model=POINTER, knowledge=POINTER, metrics={BY_DROP: [row.model_dump() for row in rows]})


ANCESTORS = [
    version(1, row("a", "q1", 0.9, base=0.1)),
    version(2, row("a", "q1", 0.7, 0.9), row("b", "q2", 1.0, 0.2)),
]
NOW = [row("a", "q1", 0.8, 0.7), row("b", "q2", 0.6, 1.0), row("c", "q3", 0.5, 0.3, base=0.2)]


def test_each_version_has_a_row_with_the_scores_of_its_predecessor_above_the_diagonal():
    matrix = retention_of(ANCESTORS, NOW)
    assert matrix.versions == ("v1", "v2", "candidate")
    assert matrix.drops == ("q1", "q2", "q3")
    assert matrix.scores == ((0.9, 0.2, None), (0.7, 1.0, 0.3), (0.8, 0.6, 0.5))
    assert backward_transfer(matrix) == pytest.approx((0.8 - 0.9 + 0.6 - 1.0) / 2)
    assert forward_transfer(matrix) == pytest.approx((0.2 - 0.0 + 0.3 - 0.2) / 2)


def test_two_drops_with_one_name_are_distinguished_by_digest():
    assert retention_of([], [row("a" * 64, "q", 1.0), row("b" * 64, "q", 1.0)]).drops == ("q aaaaaa", "q bbbbbb")


def test_a_version_from_before_the_matrix_has_an_empty_row():
    first, second = (version(number).model_copy(update={"metrics": {}}) for number in (1, 2))
    assert retention_of([first, second], NOW).scores[:2] == ((None, None, None), (0.7, 1.0, 0.3))


def test_the_version_that_has_no_number_yet_is_called_this_version():
    assert shown(retention_of(ANCESTORS, NOW)).versions == ("v1", "v2", "this version")


def test_the_picture_names_versions_and_drops(tmp_path):
    figure = plot_matrix(retention_of(ANCESTORS, NOW))
    figure.savefig(tmp_path / "matrix.png")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["v1", "v2", "candidate"]
    assert [text.get_text() for text in axes.texts] == ["90", "20", "70", "100", "30", "80", "60", "50"]


def test_reports_without_the_table_are_named(tmp_path):
    with pytest.raises(AbreastError, match=r"retention.csv: not readable .* run the stage `evaluate`"):
        read_table(tmp_path / "retention.csv", DropRow)
