"""From p-values to an outcome."""

from typing import Literal

from abreast.core.settings import Gate

SHOWN = 0.95
"""The confidence of each end of an interval where a gate itself has none."""
_ROUNDING = 1e-9

Outcome = Literal["passed", "failed", "undecided"]


def reached(gate: Gate, measured: float, needed: float) -> bool:
    """Whether the measured figure lies on the right side of the needed one."""
    if gate.at_least is not None:
        return measured >= needed - _ROUNDING
    return measured <= needed + _ROUNDING


def decide(gate: Gate, is_reached: bool, p_kept: float, p_missed: float) -> Outcome:
    """What a gate makes of its figures.

    Without `confidence` the measured figure decides. With it, the candidate passes where it is shown to keep to the
    bound, and fails where it is shown to miss it; where neither is shown, the gate's `on_undecided` says what counts.

    Args:
        is_reached: whether the measured figure itself is on the right side.
        p_kept: the p-value of the null hypothesis that the bound is missed.
        p_missed: the p-value of the null hypothesis that it is kept.
    """
    if gate.confidence is None:
        return "passed" if is_reached else "failed"
    level = 1 - gate.confidence + _ROUNDING
    if p_kept <= level:
        return "passed"
    if p_missed <= level:
        return "failed"
    passes = {"review": False, "point_estimate": is_reached, "pass": True}[gate.on_undecided]
    return "passed" if passes else "undecided"
