"""Answers that were given before: a question put again to the same model in the same way has the same answer.

Only time is saved: the stage writes the same files with the folder `answers` in the home or without it.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from abreast.core.files import write_text


class Memory:
    """What the model named by `identity` (digests and everything else that shapes an answer) said before."""

    def __init__(self, folder: Path, *identity: Any):
        name = sha256(json.dumps(identity).encode()).hexdigest()
        self._path = folder / f"{name}.json"
        try:
            self._known: dict[str, Any] = json.loads(self._path.read_text())
        except (OSError, ValueError):
            self._known = {}

    def recall(self, questions: Sequence[Any], ask: Callable[[list[int]], list[Any]]) -> list[Any]:
        """The answers to `questions`, any JSON values; `ask` is called once with the numbers of those not known."""
        keys = [sha256(json.dumps(question).encode()).hexdigest() for question in questions]
        missing = [number for number, key in enumerate(keys) if key not in self._known]
        if missing:
            self._known |= {keys[number]: answer for number, answer in zip(missing, ask(missing), strict=True)}
            self._write()
        return [self._known[key] for key in keys]

    def _write(self) -> None:
        """Replace the file at once; that it cannot be written costs time later, nothing else."""
        with suppress(OSError):
            write_text(self._path, json.dumps(self._known))
