"""Shows the progress of a training, on a terminal and to other processes."""

import sys
import time
from collections.abc import Callable

from abreast.core import stage


class ProgressBar:
    """A progress bar on a terminal; also reports to `abreast.core.stage.progress`, for other processes."""

    def __enter__(self) -> Callable[[float, str], None]:
        from tqdm import tqdm

        self._bar = tqdm(total=100, desc="train", unit="%", disable=None, file=sys.stderr, leave=False)
        self._reported_at = 0.0
        return self._report

    def _report(self, share: float, note: str) -> None:
        self._bar.n = round(100 * share)
        self._bar.set_postfix_str(note)
        if time.monotonic() - self._reported_at > 0.5:
            self._reported_at = time.monotonic()
            stage.progress("train", share, 1.0, note)

    def __exit__(self, *_: object) -> None:
        self._bar.close()
