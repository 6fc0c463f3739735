"""Gates on single figures: serving, safety, robustness, locality and drift."""

from collections.abc import Mapping

from abreast.core.settings import FigureGate
from abreast.gates.decide import decide_by_figure
from abreast.reports.figures import Figure
from abreast.reports.verdict import GateResult


def judge_figure(gate: FigureGate, figures: Mapping[str, Figure], candidate: str) -> list[GateResult]:
    """The result of a gate on a figure, or on its comparison with the champion's.

    Shares are compared by their difference, seconds and megabytes by their ratio. Empty if the figure was not taken (of
    the base with examples, outside of the update flow, or of a model that does not load: `loads` fails then and says
    why), or if there is no champion to compare with.

    Args:
        candidate: whose figures are judged; only the candidate has any.
    """
    figure = figures.get(gate.measure)
    if candidate != "candidate" or figure is None or figure.candidate is None:
        return []
    if figure.n is not None and figure.n < gate.min_questions:
        return []
    needed = gate.limit
    if gate.compare_to == "champion":
        if figure.champion is None:
            return []
        needed = needed * figure.champion if gate.scope == "serving" else needed + figure.champion
    return [
        GateResult(
            name=gate.name,
            measured=figure.candidate,
            needed=needed,
            bound=gate.bound,
            champion=figure.champion,
            outcome=decide_by_figure(gate, figure.candidate, needed),
            on_fail=gate.on_fail,
            n=figure.n,
            why=figure.why,
        )
    ]
