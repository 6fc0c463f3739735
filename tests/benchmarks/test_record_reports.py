import pytest

from abreast.core.errors import AbreastError
from abreast.reports.reports import read_reports
from benchmarks import record_reports
from tests.learning.tiny import write_tiny_base


def test_the_reports_of_an_update_are_kept_and_not_made_again(tmp_path, capsys, preforked_stages):
    base, out = tmp_path / "base", tmp_path / "out"
    write_tiny_base(base)
    arguments = ["--out", str(out), "--stream", "samples", "--base", str(base), "--methods", "naive"]
    arguments += ["--drops", "1", "--products", "2"]
    record_reports.main(arguments)
    kept = read_reports(out / "samples/naive-17/01")
    assert {one.scope for one in kept.answers} == {"current"}
    assert kept.metrics.candidate.current_exact_match is not None
    capsys.readouterr()
    record_reports.main(arguments)
    assert capsys.readouterr().out == ""


def test_only_methods_that_learn_drop_by_drop_can_be_recorded():
    assert record_reports.methods_named("naive,anew") == ["naive", "anew at each drop"]
    with pytest.raises(
        AbreastError, match="--methods joint: no method that learns drop by drop begins so; there are naive"
    ):
        record_reports.methods_named("joint")
