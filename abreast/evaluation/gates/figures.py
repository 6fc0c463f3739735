"""Gates on single figures: how a candidate serves, and whether it is safe."""

from collections.abc import Mapping

from abreast.config import Gate
from abreast.evaluation.figures import Figure
from abreast.evaluation.gates.decide import decide, reached
from abreast.evaluation.verdict import GateResult


def of_figures(gate: Gate, figures: Mapping[str, Figure], candidate: str) -> list[GateResult]:
    """The figure itself, or its ratio to the champion's.

    Nothing where it was not taken: of the base with examples, at the desk, or without a champion to compare with. What
    a model that does not load would need in seconds and megabytes is not asked either: `loads` is, and tells why.

    Args:
        candidate: whose figures are judged; only the candidate has any.
    """
    figure = figures.get(gate.measure)
    if candidate != "candidate" or figure is None or figure.candidate is None:
        return []
    other = 1.0 if gate.against == "absolute" else figure.champion
    if other is None:
        return []
    bound = gate.at_least if gate.at_least is not None else gate.at_most
    return [
        GateResult(
            name=gate.name,
            measured=figure.candidate,
            needed=other * bound,
            bound="at least" if gate.at_least is not None else "at most",
            champion=figure.champion,
            outcome=decide(gate, reached(gate, figure.candidate, other * bound), 1.0, 1.0),
            does=gate.does,
            of="ratio" if gate.against == "champion" else "share",
            n=figure.n,
            why=figure.why,
        )
    ]
