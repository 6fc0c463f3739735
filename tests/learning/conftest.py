import sys

import pytest

from tests.learning.tiny import write_tiny_base


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory):
    return write_tiny_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("ABREAST_HOME", str(tmp_path / "home"))


@pytest.fixture(autouse=True)
def one_number_of_threads(monkeypatch):
    """Processes that a test starts use as many threads as its own: another number gives other last bits."""
    if loaded := sys.modules.get("torch"):
        monkeypatch.setenv("OMP_NUM_THREADS", str(loaded.get_num_threads()))
