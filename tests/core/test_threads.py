import math
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from abreast.core import threads
from abreast.core.threads import Machine, bound_spinning, busy_cores, cgroup_quota, go_on_with, use_free_cores


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the user, no torch, and the environment as before afterwards."""
    for name in (*threads.SET_BY_USER, "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(threads, "_chosen", [])


def on(monkeypatch: pytest.MonkeyPatch, **machine: float) -> None:
    """Pretend that the machine gives this."""
    found = Machine(**{"cores": 4, "busy": 0.0, "quota": math.inf, "load": 1.3, **machine})
    monkeypatch.setattr(threads, "look", lambda: found)


@pytest.mark.parametrize(
    ("cores", "busy", "quota", "free"),
    [
        (2, 0.0, math.inf, 2),
        (2, 0.3, math.inf, 2),
        (2, 0.6, math.inf, 1),
        (2, 2.0, math.inf, 1),
        (16, 3.9, math.inf, 12),
        (16, 0.0, 4.0, 4),
        (16, 14.0, 4.0, 2),
        (16, 0.0, 0.5, 1),
        (16, 0.0, 2.5, 3),
    ],
)
def test_as_many_threads_as_cores_are_free_within_the_quota_and_at_least_one(cores, busy, quota, free):
    assert Machine(cores, busy, quota, load=0.0).free_cores() == free


def test_before_torch_is_loaded_the_number_goes_into_the_environment(monkeypatch):
    on(monkeypatch, cores=2, busy=1.0)
    assert use_free_cores() == "threads: 1 of 2 cores (1.0 busy, load 1.3)"
    assert os.environ["OMP_NUM_THREADS"] == "1"


def test_a_loaded_torch_is_told_and_the_environment_stays(monkeypatch):
    given = []
    torch = SimpleNamespace(get_num_threads=lambda: os.cpu_count(), set_num_threads=given.append)
    on(monkeypatch, quota=1.5)
    with monkeypatch.context() as loaded:
        loaded.setitem(sys.modules, "torch", torch)
        assert use_free_cores() == "threads: 2 of 4 cores (0.0 busy, load 1.3, quota 1.5)"
    assert given == [2]
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("name", threads.SET_BY_USER)
def test_a_number_in_the_environment_wins(monkeypatch, name):
    monkeypatch.setenv(name, "7")
    monkeypatch.setattr(threads, "look", lambda: pytest.fail("the machine is not looked at"))
    assert use_free_cores() == f"threads: 7, as {name} says"


def test_a_number_that_torch_was_given_by_hand_wins(monkeypatch):
    torch = SimpleNamespace(get_num_threads=lambda: 1000, set_num_threads=lambda _: pytest.fail("torch is left alone"))
    on(monkeypatch)
    with monkeypatch.context() as loaded:
        loaded.setitem(sys.modules, "torch", torch)
        assert use_free_cores() == "threads: 1000, as torch was set before"


def test_what_was_chosen_before_is_chosen_again(monkeypatch):
    on(monkeypatch, cores=2, busy=1.0)
    use_free_cores()
    on(monkeypatch, cores=2, busy=0.0)
    assert use_free_cores() == "threads: 2 of 2 cores (0.0 busy, load 1.3)"
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_an_interrupted_training_goes_on_with_its_number_unless_the_user_set_another(monkeypatch):
    on(monkeypatch, cores=2, busy=0.0)
    use_free_cores()
    go_on_with(1)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    go_on_with(None)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    go_on_with(2)
    assert os.environ["OMP_NUM_THREADS"] == "5"


def test_the_machine_is_described_within_its_limits():
    machine = threads.look()
    assert 1 <= machine.free_cores() <= machine.cores <= os.cpu_count()
    assert 0.0 <= machine.busy <= machine.cores
    assert machine.quota > 0


def test_only_cores_that_this_process_may_use_are_counted_without_work_that_gives_way(monkeypatch):
    def counted(user: float, idle: float, iowait: float = 0.0, nice: float = 0.0):
        names = ("user", "nice", "idle", "iowait", "guest", "guest_nice")
        return type("Times", (tuple,), {"_fields": names})((user, nice, idle, iowait, 0.0, 0.0))

    looks = iter(
        [
            [counted(0, 0), counted(0, 0), counted(0, 0)],
            [counted(1.0, 0.0), counted(0.5, 0.25, iowait=0.125, nice=0.125), counted(1.0, 0.0)],
        ]
    )
    monkeypatch.setattr(threads.psutil, "cpu_times", lambda percpu: next(looks))
    assert busy_cores({0, 1}, seconds=0.0) == 1.5


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_smallest_quota_on_the_path_of_a_version_2_group(tmp_path: Path):
    write(tmp_path / "member", "0::/user/job\n")
    write(tmp_path / "cgroup/user/job/cpu.max", "max 100000\n")
    write(tmp_path / "cgroup/user/cpu.max", "150000 100000\n")
    assert cgroup_quota(tmp_path / "cgroup", tmp_path / "member") == 1.5


def test_the_quota_of_a_version_1_group_whose_path_is_not_mounted_in_the_container(tmp_path: Path):
    write(tmp_path / "member", "5:memory:/pod\n4:cpu,cpuacct:/pod/one\n")
    write(tmp_path / "cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n")
    write(tmp_path / "cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    write(tmp_path / "cgroup/memory/cpu.max", "1 100000\n")
    assert cgroup_quota(tmp_path / "cgroup", tmp_path / "member") == 0.5


@pytest.mark.parametrize("membership", ["0::/\n", "4:cpu:/\n", ""])
def test_no_quota_is_infinite(tmp_path: Path, membership: str):
    write(tmp_path / "member", membership)
    write(tmp_path / "cgroup/cpu/cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "cgroup/cpu/cpu.cfs_period_us", "100000\n")
    assert cgroup_quota(tmp_path / "cgroup", tmp_path / "member") == math.inf
    assert cgroup_quota(tmp_path / "cgroup", tmp_path / "nothing") == math.inf


def test_waiting_threads_spin_briefly_unless_the_user_chose(monkeypatch):
    bound_spinning()
    assert os.environ.pop("GOMP_SPINCOUNT") == threads.SPINS
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    bound_spinning()
    assert "GOMP_SPINCOUNT" not in os.environ
