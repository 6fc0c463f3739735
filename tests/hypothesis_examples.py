"""How many examples hypothesis tries where each takes long: a quarter by day, all of them in `make slow`."""

import os

from hypothesis import settings


def trials(most: int) -> settings:
    """Settings for a test of `most` examples."""
    return settings(max_examples=most if os.environ.get("ABREAST_TRIALS") == "all" else most // 4, deadline=None)
