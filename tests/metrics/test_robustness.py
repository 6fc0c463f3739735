from abreast.metrics.robustness import Robustness


def test_the_drop_is_what_typing_errors_cost():
    assert Robustness(clean=0.75, noisy=0.5).drop == 0.25
    assert Robustness(clean=0.5, noisy=0.5).drop == 0


def test_nothing_asked_is_not_zero():
    assert Robustness(clean=None, noisy=0.5).drop is None
    assert Robustness(clean=0.5, noisy=None).drop is None


def test_the_drop_is_written_and_need_not_be_read():
    found = Robustness(clean=0.75, noisy=0.5)
    assert found.model_dump() == {"clean": 0.75, "noisy": 0.5, "drop": 0.25}
    assert Robustness.model_validate(found.model_dump()) == found
