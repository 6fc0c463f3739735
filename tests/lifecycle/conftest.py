from tests.lifecycle.model_line import line

__all__ = ["line"]
