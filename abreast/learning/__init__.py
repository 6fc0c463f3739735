"""Learning: from lessons to a model folder."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
"""Read when torch is loaded: threads that wait in a loop make torch ten times slower when a core is shared."""
