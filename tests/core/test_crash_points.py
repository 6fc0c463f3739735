import os
import signal

from abreast.core.crash_points import crash_point


def killed(name: str) -> bool:
    """Whether a process that comes to the point `name` dies there."""
    if (child := os.fork()) == 0:
        crash_point(name)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def test_a_process_dies_at_the_named_point_alone(monkeypatch):
    assert not killed("here")
    monkeypatch.setenv("ABREAST_CRASH_AT", "here")
    assert killed("here")
    assert killed("here")
    assert not killed("there")


def test_with_a_mark_only_the_first_dies(monkeypatch, tmp_path):
    monkeypatch.setenv("ABREAST_CRASH_AT", "here")
    monkeypatch.setenv("ABREAST_CRASH_MARK", str(tmp_path / "crashed"))
    assert not killed("there")
    assert killed("here")
    assert (tmp_path / "crashed").exists()
    assert not killed("here")
