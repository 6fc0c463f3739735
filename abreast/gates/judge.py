"""The verdict on a candidate: the gates of params.yaml, applied to the reports of the stage `evaluate`."""

from collections.abc import Sequence

from abreast.core.settings import AnswerGate, FigureGate, Gate, GeneralPerplexityGate
from abreast.gates.answer_gates import judge_answers
from abreast.gates.figure_gates import judge_figure
from abreast.gates.monitor import is_on_questions
from abreast.gates.perplexity_gates import judge_general_text, judge_texts
from abreast.gates.question_count import check_current_questions, count_questions
from abreast.reports.early_stop import settled_results
from abreast.reports.reports import Reports
from abreast.reports.verdict import GateResult, Verdict

_IN_CONTEXT = "in_context"


def judge(reports: Reports, gates: Sequence[Gate]) -> Verdict:
    """Judge what `abreast.reports.reports.read_reports` has read.

    One missed gate that blocks leads to `fail`; otherwise one that needs a review, or that the questions cannot decide,
    leads to `inconclusive`; otherwise the verdict is `pass`. Too few questions on the drops, for all gates on them,
    lead to `inconclusive` too. Gates that compare with a champion are skipped until there is one. What the base reaches
    with examples in its prompt is not a gate; it may lead to a note.
    """
    results = _results(reports, gates, "candidate")
    asked = [result.asks for result in results]
    verdict = "fail" if "fail" in asked else "inconclusive" if "inconclusive" in asked else "pass"
    ranks = {"fail": 0, "inconclusive": 1, None: 2}
    ordered = tuple(sorted(results, key=lambda result: (ranks[result.asks], result.passed)))
    reasons = tuple(result.reason for result in ordered)
    notes = (
        reports.stopped.note if reports.stopped else "",
        _note_on_in_context(reports, gates),
        _note_on_perplexity(reports, gates),
    )
    return Verdict(verdict=verdict, reasons=reasons, gates=ordered, note="; ".join(filter(None, notes)))


def _results(reports: Reports, gates: Sequence[Gate], candidate: str) -> list[GateResult]:
    """The results of all gates that apply, and whether there were enough questions on the drops.

    If the evaluation stopped early, the gates on questions have the results that were settled then.
    """
    results = []
    if reports.stopped is not None:
        on_questions = [gate for gate in gates if is_on_questions(gate)]
        results = settled_results(reports.stopped, on_questions)
        gates = [gate for gate in gates if not is_on_questions(gate)]
    for gate in gates:
        results += _judge_gate(gate, reports, candidate)
    return [*results, *check_current_questions(gates, reports.answers, reports.texts)]


def _judge_gate(gate: Gate, reports: Reports, candidate: str) -> list[GateResult]:
    if isinstance(gate, GeneralPerplexityGate):
        return judge_general_text(gate, reports.metrics, candidate)
    if isinstance(gate, FigureGate):
        return judge_figure(gate, reports.figures, candidate)
    if count_questions(gate, reports.answers, reports.texts) < gate.min_questions:
        return []
    if isinstance(gate, AnswerGate):
        return judge_answers(gate, reports.answers, candidate)
    return judge_texts(gate, reports.texts, candidate)


def _note_on_in_context(reports: Reports, gates: Sequence[Gate]) -> str:
    """What to note if the base passes every gate with examples in its prompt; raw text can only be trained on."""
    metrics = reports.metrics.in_context
    if reports.stopped or metrics is None or any(text.scope == "current" for text in reports.texts):
        return ""
    if any(result.asks for result in _results(reports, gates, _IN_CONTEXT)):
        return ""
    return (
        f"training is not needed: the untrained base passes every gate with {metrics.examples} examples before each "
        f"question ({metrics.current_exact_match:.1%} right on what these drops brought)"
    )


def _note_on_perplexity(reports: Reports, gates: Sequence[Gate]) -> str:
    """What to note if a gate asks for the perplexity of a base that has none."""
    asked = any(isinstance(gate, GeneralPerplexityGate) for gate in gates)
    base = reports.metrics.base
    if not asked or base is None or base.general_perplexity is not None:
        return ""
    return "there is no gate for general perplexity: model.base has no head for masked words"
