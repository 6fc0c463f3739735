from tests.learning.conftest import own_home, tiny_base

__all__ = ["own_home", "tiny_base"]
