import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import GATES
from abreast.reports.early_stop import STOPPED, EarlyStop, read_early_stop, write_early_stop
from tests.evaluation.reports import reports
from tests.gates.test_monitor import NEW, OLD, monitor


def test_an_early_stop_is_read_back_and_a_full_evaluation_has_none(tmp_path):
    monitored = monitor(GATES, [*NEW, *OLD])
    monitored.update(reports(NEW))
    results, gates = tuple(monitored.results), monitored.gates
    stopped = EarlyStop(verdict="fail", asked=60, planned=160, error=0.05, open=("x",), gates=gates, results=results)
    write_early_stop(tmp_path, stopped)
    assert read_early_stop(tmp_path) == stopped
    write_early_stop(tmp_path, None)
    assert read_early_stop(tmp_path) is None
    (tmp_path / STOPPED).unlink()
    assert read_early_stop(tmp_path) is None


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / STOPPED).write_text('{"verdict": "perhaps"}')
    with pytest.raises(AbreastError, match=r"stopped\.json: .*run the stage `evaluate`"):
        read_early_stop(tmp_path)
