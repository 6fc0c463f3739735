"""Whether a gate has as many questions as it needs."""

from collections.abc import Sequence

from abreast.core.settings import AnswerGate, Gate, TextPerplexityGate
from abreast.gates.answer_gates import relevant_answers
from abreast.reports.answers import QuestionResult
from abreast.reports.texts import TextResult
from abreast.reports.verdict import GateResult


def count_questions(
    gate: AnswerGate | TextPerplexityGate, answers: Sequence[QuestionResult], texts: Sequence[TextResult]
) -> int:
    """How many questions, or pieces of text, a gate is about."""
    if isinstance(gate, TextPerplexityGate):
        return sum(gate.scope in (text.scope, "known") for text in texts)
    return len(relevant_answers(gate, answers))


def check_current_questions(
    gates: Sequence[Gate], answers: Sequence[QuestionResult], texts: Sequence[TextResult]
) -> list[GateResult]:
    """Whether any gate on this drop has as many questions as it needs; empty without such a gate."""
    counts = {
        gate: count_questions(gate, answers, texts)
        for gate in gates
        if isinstance(gate, AnswerGate | TextPerplexityGate) and gate.scope == "current"
    }
    if not counts:
        return []
    return [
        GateResult(
            name="questions on this drop",
            measured=max(counts.values()),
            needed=min(gate.min_questions for gate in counts),
            bound="at least",
            champion=None,
            outcome="passed" if any(count >= gate.min_questions for gate, count in counts.items()) else "undecided",
        )
    ]
