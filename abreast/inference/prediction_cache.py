"""A cache of predictions: the same question to the same model in the same way has the same answer.

It only saves time: a stage writes the same files with the folder `answers` of the home or without it.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from abreast.core.files import write_text


class PredictionCache:
    """The predictions of the model that `identity` names: digests, and everything else that affects an answer."""

    def __init__(self, folder: Path, *identity: Any):
        name = sha256(json.dumps(identity).encode()).hexdigest()
        self._path = folder / f"{name}.json"
        try:
            self._answers: dict[str, Any] = json.loads(self._path.read_text())
        except (OSError, ValueError):
            self._answers = {}

    def get_or_compute(self, questions: Sequence[Any], compute: Callable[[list[int]], list[Any]]) -> list[Any]:
        """The answers to `questions`, any JSON values.

        Args:
            compute: called at most once, with the numbers of the questions that are not in the cache.
        """
        keys = [sha256(json.dumps(question).encode()).hexdigest() for question in questions]
        missing = [number for number, key in enumerate(keys) if key not in self._answers]
        if missing:
            computed = compute(missing)
            self._answers |= {keys[number]: answer for number, answer in zip(missing, computed, strict=True)}
            self._write()
        return [self._answers[key] for key in keys]

    def _write(self) -> None:
        """Replace the file atomically; a failure to write only costs time later."""
        with suppress(OSError):
            write_text(self._path, json.dumps(self._answers))
