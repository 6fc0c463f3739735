"""The verdict on a candidate: the gates of params.yaml, asked of the reports that the stage `evaluate` wrote."""

from collections.abc import Sequence

from abreast.core.settings import Gate
from abreast.gates.enough import count, enough
from abreast.gates.figure_gates import of_figures
from abreast.gates.perplexity_gates import of_general_text, of_texts
from abreast.gates.share_gates import of_shares
from abreast.gates.watch import ON_QUESTIONS
from abreast.reports.early_stop import results_of
from abreast.reports.reports import Reports
from abreast.reports.verdict import GateResult, Verdict

_IN_CONTEXT = "in_context"


def judge(reports: Reports, gates: Sequence[Gate]) -> Verdict:
    """Judge what `abreast.reports.reports.read_reports` has read.

    One blocking gate that is missed is a `fail`; else one that is left to a person, or that the questions cannot
    decide, is `inconclusive`; else it is a `pass`. Too few questions on what the drops brought, for all gates on that,
    are `inconclusive` too. Gates on a champion are not asked before there is one. What the base reaches with examples
    before each question is no gate, and may be worth a note.
    """
    results = _results(reports, gates, "candidate")
    asked = [result.asks for result in results]
    verdict = "fail" if "fail" in asked else "inconclusive" if "inconclusive" in asked else "pass"
    ranks = {"fail": 0, "inconclusive": 1, None: 2}
    ordered = tuple(sorted(results, key=lambda result: (ranks[result.asks], result.passed)))
    reasons = tuple(result.reason for result in ordered)
    notes = (
        reports.stopped.note if reports.stopped else "",
        _without_training(reports, gates),
        _without_perplexity(reports, gates),
    )
    return Verdict(verdict=verdict, reasons=reasons, gates=ordered, note="; ".join(filter(None, notes)))


def _results(reports: Reports, gates: Sequence[Gate], candidate: str) -> list[GateResult]:
    """All gates that can be asked, and whether enough was asked on what the drops brought.

    If the evaluation stopped early, the gates on questions say what was settled then.
    """
    results = []
    if reports.stopped is not None:
        on_questions = [gate for gate in gates if gate.measure in ON_QUESTIONS]
        results, gates = results_of(reports.stopped, on_questions), [gate for gate in gates if gate not in on_questions]
    for gate in gates:
        if gate.measure == "general_perplexity":
            results += of_general_text(gate, reports.metrics, candidate)
        elif gate.of_figure:
            results += of_figures(gate, reports.figures, candidate)
        elif count(gate, reports.answers, reports.texts) >= gate.min_questions:
            of, held = (of_texts, reports.texts) if gate.of_perplexity else (of_shares, reports.answers)
            results += of(gate, held, candidate)
    return [*results, *enough(gates, reports.answers, reports.texts)]


def _without_training(reports: Reports, gates: Sequence[Gate]) -> str:
    """What to say if the base passes every gate with examples before each question; raw text can only be learned."""
    shown = reports.metrics.in_context
    if reports.stopped or shown is None or any(text.scope == "current" for text in reports.texts):
        return ""
    if any(result.asks for result in _results(reports, gates, _IN_CONTEXT)):
        return ""
    return (
        f"training is not needed: the untrained base passes every gate with {shown.examples} examples before each "
        f"question ({shown.current_exact_match:.1%} right on what these drops brought)"
    )


def _without_perplexity(reports: Reports, gates: Sequence[Gate]) -> str:
    """What to say of a base that has no perplexity, if a gate asks for it."""
    asked = any(gate.measure == "general_perplexity" for gate in gates)
    if not asked or reports.metrics.base.general_perplexity is not None:
        return ""
    return "there is no gate for general perplexity: model.base has no head for masked words"
