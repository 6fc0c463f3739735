"""From p-values to the outcome of a gate."""

from abreast.core.settings import AnswerGate, AnyGate, TextPerplexityGate
from abreast.reports.verdict import GateOutcome

DEFAULT_CONFIDENCE = 0.95
"""The confidence of each end of an interval where a gate itself has none."""
_ROUNDING = 1e-9


def is_reached(gate: AnyGate, measured: float, needed: float) -> bool:
    """Whether the measured figure is on the right side of the needed one."""
    if gate.bound == "at least":
        return measured >= needed - _ROUNDING
    return measured <= needed + _ROUNDING


def decide_by_figure(gate: AnyGate, measured: float, needed: float) -> GateOutcome:
    """The outcome of a gate without a test: the measured figure decides."""
    return "passed" if is_reached(gate, measured, needed) else "failed"


def decide_by_test(
    gate: AnswerGate | TextPerplexityGate, measured: float, needed: float, p_kept: float, p_missed: float
) -> GateOutcome:
    """The outcome of a gate that may have a test.

    Without `confidence` the measured figure decides. With it, the candidate passes if the test shows that it keeps to
    the bound, and fails if the test shows that it misses it; otherwise `on_undecided` decides.

    Args:
        p_kept: the p-value of the null hypothesis that the bound is missed.
        p_missed: the p-value of the null hypothesis that it is kept.
    """
    if gate.confidence is None:
        return decide_by_figure(gate, measured, needed)
    level = 1 - gate.confidence + _ROUNDING
    if p_kept <= level:
        return "passed"
    if p_missed <= level:
        return "failed"
    passes = {"review": False, "point_estimate": is_reached(gate, measured, needed), "pass": True}[gate.on_undecided]
    return "passed" if passes else "undecided"
