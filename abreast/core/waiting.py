"""Waiting for something that another process does."""

from collections.abc import Callable
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, stop_never, wait_fixed
from tenacity.wait import wait_base

Result = TypeVar("Result")


def wait_until(check: Callable[[], Result], seconds: float | None = None, pause: float | wait_base = 0.3) -> Result:
    """Call `check` until what it gives is true, or until `seconds` have passed; returns the last that it gave.

    An exception of `check` ends the waiting.

    Args:
        seconds: how long to wait at most; None waits for ever.
        pause: seconds between two calls, or one of tenacity's waits.
    """
    retrying = Retrying(
        retry=retry_if_result(lambda result: not result),
        stop=stop_never if seconds is None else stop_after_delay(seconds),
        wait=pause if isinstance(pause, wait_base) else wait_fixed(pause),
        retry_error_callback=_last_result,
    )
    return retrying(check)


def _last_result(state: RetryCallState) -> Any:
    """What the last call gave, once the time is over."""
    return None if state.outcome is None else state.outcome.result()
