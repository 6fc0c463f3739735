"""A temporary folder that also catches what killed processes leave behind."""

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_temporary_folder(name: str) -> Iterator[Path]:
    """A temporary folder that also holds all other temporary files; SIGTERM ends the block like an error."""
    before, handler = tempfile.tempdir, signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with tempfile.TemporaryDirectory(prefix=f"abreast-{name}-") as folder:
            tempfile.tempdir = f"{folder}/tmp"
            Path(tempfile.tempdir).mkdir()
            Path(folder).chmod(0o755)  # PostgreSQL runs as another user
            yield Path(folder)
    finally:
        tempfile.tempdir = before
        signal.signal(signal.SIGTERM, handler)
