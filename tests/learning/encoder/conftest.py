import pytest

from tests.learning.tiny_encoder import write_tiny_encoder


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """With a head for masked words."""
    return write_tiny_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def bare_encoder(tmp_path_factory):
    """Without one, as MiniLM."""
    return write_tiny_encoder(tmp_path_factory.mktemp("bare"), masked=False)
