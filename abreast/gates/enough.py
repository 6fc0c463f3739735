"""Whether a gate has the questions that it asks for."""

from collections.abc import Sequence

from abreast.core.settings import Gate
from abreast.gates.share_gates import concerned
from abreast.reports.answers import QuestionResult
from abreast.reports.texts import TextResult
from abreast.reports.verdict import GateResult


def count(gate: Gate, answers: Sequence[QuestionResult], texts: Sequence[TextResult]) -> int:
    """How many questions, or pieces of text, a gate is about."""
    if gate.measure == "text_perplexity":
        return sum(gate.scope in (text.scope, "known") for text in texts)
    return len(concerned(gate, answers))


def enough(gates: Sequence[Gate], answers: Sequence[QuestionResult], texts: Sequence[TextResult]) -> list[GateResult]:
    """Whether any gate on what the drops brought has as many questions as it needs; nothing without such a gate."""
    asked = {gate: count(gate, answers, texts) for gate in gates if gate.scope == "current"}
    if not asked:
        return []
    return [
        GateResult(
            name="questions on this drop",
            measured=max(asked.values()),
            needed=min(gate.min_questions for gate in asked),
            bound="at least",
            champion=None,
            outcome="passed" if any(held >= gate.min_questions for gate, held in asked.items()) else "undecided",
        )
    ]
