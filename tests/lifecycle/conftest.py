from tests.lifecycle.line import line

__all__ = ["line"]
