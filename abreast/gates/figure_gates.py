"""Gates on single figures: how a candidate serves, and whether it is safe."""

from collections.abc import Mapping

from abreast.core.settings import Gate
from abreast.gates.decide import decide, reached
from abreast.reports.figures import Figure
from abreast.reports.verdict import GateResult


def of_figures(gate: Gate, figures: Mapping[str, Figure], candidate: str) -> list[GateResult]:
    """The figure itself, or against the champion's: a share by their difference, seconds and megabytes by their ratio.

    Nothing where it was not taken: of the base with examples, at the desk, or without a champion to compare with. What
    a model that does not load would need in seconds and megabytes is not asked either: `loads` is, and tells why.

    Args:
        candidate: whose figures are judged; only the candidate has any.
    """
    figure = figures.get(gate.measure)
    if candidate != "candidate" or figure is None or figure.candidate is None:
        return []
    if (figure.n is not None and figure.n < gate.min_questions) or (
        gate.compare_to == "champion" and figure.champion is None
    ):
        return []
    needed = gate.at_least if gate.at_least is not None else gate.at_most
    if gate.compare_to == "champion":
        needed = needed * figure.champion if gate.scope == "serving" else needed + figure.champion
    return [
        GateResult(
            name=gate.name,
            measured=figure.candidate,
            needed=needed,
            bound="at least" if gate.at_least is not None else "at most",
            champion=figure.champion,
            outcome=decide(gate, reached(gate, figure.candidate, needed), 1.0, 1.0),
            on_fail=gate.on_fail,
            n=figure.n,
            why=figure.why,
        )
    ]
