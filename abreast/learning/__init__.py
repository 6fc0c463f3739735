"""Learning: from lessons to a model folder."""

import os

os.environ.setdefault("GOMP_SPINCOUNT", "5000")
"""Read when torch is loaded. Threads that wait in a long loop make torch ten times slower when a core is shared, and
threads that sleep at once make small products five times slower when it is not: these wait some ten microseconds."""
