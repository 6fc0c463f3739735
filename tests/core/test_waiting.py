import pytest

from abreast.core.waiting import wait_until


def test_the_first_true_result_ends_the_waiting():
    results = iter([None, 0, "ready", "late"])
    assert wait_until(lambda: next(results), pause=0) == "ready"


def test_after_the_time_the_last_result_is_given():
    assert wait_until(lambda: 0, seconds=0.05, pause=0.01) == 0


def test_a_failing_check_ends_the_waiting():
    def check() -> bool:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        wait_until(check, seconds=5)
