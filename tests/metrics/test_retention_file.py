import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.metrics.retention import EMPTY, RetentionMatrix
from abreast.metrics.retention_file import read_retention, write_retention

MATRIX = EMPTY.with_version("v1", {"first, drop": 0.5}, ["first, drop"], {"first, drop": 0.25}).with_version(
    "v2", {"naïve": 1.0}, ["naïve"]
)
HEADER = "version,drop,learned_by,score\n"

cell = st.none() | st.floats(0, 1)
name = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=5)


@st.composite
def matrices(draw):
    versions = draw(st.lists(name.filter(lambda text: text != "base"), min_size=1, max_size=3, unique=True))
    drops = draw(st.lists(name, min_size=1, max_size=4, unique=True))
    row = st.tuples(*[cell] * len(drops))
    return RetentionMatrix(
        versions=tuple(versions),
        drops=tuple(drops),
        learned=draw(st.tuples(*[st.integers(0, len(versions) - 1)] * len(drops))),
        scores=draw(st.tuples(*[row] * len(versions))),
        base=draw(row),
    )


@given(matrices())
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_read_digit_for_digit(tmp_path_factory, matrix):
    path = tmp_path_factory.mktemp("table") / "retention.csv"
    write_retention(matrix, path)
    assert read_retention(path) == matrix


def test_as_a_table(tmp_path):
    write_retention(MATRIX, tmp_path / "reports/retention.csv")
    with (tmp_path / "reports/retention.csv").open(encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["version", "drop", "learned_by", "score"],
            ["base", "first, drop", "v1", "0.25"],
            ["base", "naïve", "v2", ""],
            ["v1", "first, drop", "v1", "0.5"],
            ["v1", "naïve", "v2", ""],
            ["v2", "first, drop", "v1", ""],
            ["v2", "naïve", "v2", "1.0"],
        ]


def test_no_drop_is_a_table_with_a_header_only(tmp_path):
    write_retention(EMPTY, tmp_path / "r.csv")
    assert read_retention(tmp_path / "r.csv") == EMPTY


def test_base_is_no_version(tmp_path):
    with pytest.raises(AbreastError, match="called base"):
        write_retention(EMPTY.with_version("base", {}), tmp_path / "r.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "base,a,v1,0\nv1,a,v1,high\n", "line 3: score 'high'"),
        (HEADER + "base,a,v1,nan\nv1,a,v1,1\n", "line 2: score 'nan'"),
        (HEADER + "base,a,v1,0\nv1,a,v1,1\nv1,a,v1,1\n", "line 4: must be version,drop"),
        (HEADER + "base,a,v1,0\nv1,a,v2,1\n", "line 3: a was learned by v1"),
        (HEADER + "base,a,v1,0\nv2,a,v1,1\n", "learned_by names versions that have no line: v1"),
        (HEADER + "v1,a,v1,0\n", "no line for base on a"),
        (HEADER + "base,a,v1\n", "line 2: must be"),
        ("version,drop,score\nbase,a,1\n", "line 2: must be"),
        (HEADER + "base,a,v1,1,extra\n", "line 2: must be"),
    ],
)
def test_another_table_is_refused_by_file_and_line(tmp_path, text, message):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(AbreastError, match=f"r.csv: {message}"):
        read_retention(tmp_path / "r.csv")


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(AbreastError, match="none.csv: cannot be read"):
        read_retention(tmp_path / "none.csv")
