"""The gates, monitored while questions are asked: what each may still say once all of them are answered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from abreast.core.settings import AnswerGate, Gate, GeneralPerplexityGate, TextPerplexityGate
from abreast.gates.answer_gates import (
    hits,
    judge_answers,
    missed_or_closest,
    relevant_answers,
    result_on,
    slice_of,
    slices_of,
)
from abreast.gates.perplexity_gates import judge_general_text, judge_texts
from abreast.gates.question_count import check_current_questions, count_questions
from abreast.reports.answers import QuestionResult
from abreast.reports.reports import Reports
from abreast.reports.texts import TextResult
from abreast.reports.verdict import GateOutcome, GateResult
from abreast.statistics.pairs import hits_by_key
from abreast.statistics.sequential import (
    FAIL,
    INCONCLUSIVE,
    LARGEST,
    PASS,
    PossibleVerdicts,
    Tally,
    verdict_if_missed,
    verdicts_on_pairs,
    verdicts_on_share,
)

RANKS = {None: PASS, "inconclusive": INCONCLUSIVE, "fail": FAIL}
QuestionGate = AnswerGate | TextPerplexityGate | GeneralPerplexityGate
"""The gates on what the stage `evaluate` asks; all others are on figures that are measured elsewhere."""


def is_on_questions(gate: Gate) -> bool:
    """Whether a gate depends on the questions, or texts, of the stage `evaluate`."""
    return isinstance(gate, QuestionGate)


@dataclass
class MonitoredSlice:
    """A gate on all of its questions, or on one slice: the planned ones by scope, and the verdicts still possible."""

    gate: AnswerGate
    name: str
    planned: dict[str, list[QuestionResult]]
    slices: int
    error: float = 0.0
    """How often, at most, the settled verdict is wrong, for each scope."""
    possible: PossibleVerdicts = field(init=False)
    asked: list[QuestionResult] = field(default_factory=list)
    """All answers so far; once settled, those that settled it, since later ones were not drawn for it."""
    is_open_at_first: bool = field(init=False)
    """Whether answers can settle it; a gate that only warns is settled from the beginning."""

    def __post_init__(self) -> None:
        self.possible = self._possible()
        self.is_open_at_first = not self.possible.settled

    def update(self, answers: Sequence[QuestionResult]) -> None:
        """Take the answers so far into account; a settled verdict does not change."""
        if self.is_open_at_first and self.possible.settled:
            return
        self.asked = [one for one in answers if slice_of(self.gate, one) == self.slice]
        if self.is_open_at_first:
            self.possible = self._possible()

    def results(self) -> list[GateResult]:
        """The measured figure of the asked questions, with the settled outcome of all; empty if none was asked."""
        if not self.asked or not self.possible.settled:
            return []
        measured = result_on(self.gate, self.name, self.asked)
        settled: dict[int, GateOutcome] = {
            PASS: "passed",
            INCONCLUSIVE: _inconclusive_outcome(self.gate, measured.outcome),
            FAIL: "failed",
        }
        outcome = measured.outcome if self.gate.on_fail == "warn" else settled[self.possible.best]
        shown = {"interval": (self.possible.low, self.possible.high), "p": None, "needs": None, "planned": self.keys}
        return [measured.model_copy(update={"outcome": outcome} | shown)]

    @property
    def keys(self) -> int:
        """How many keys are planned."""
        return sum(len({one.key for one in planned}) for planned in self.planned.values())

    @property
    def slice(self) -> str | None:
        """The name of the slice; None if the gate has no slices."""
        return slice_of(self.gate, next(iter(self.planned.values()))[0])

    def _possible(self) -> PossibleVerdicts:
        tallies = [
            _tally(self.gate, planned, [one for one in self.asked if one.scope == scope])
            for scope, planned in self.planned.items()
        ]
        if any(tally.size > LARGEST and not tally.seen.any() for tally in tallies):
            return PossibleVerdicts(PASS, verdict_if_missed(self.gate))
        verdicts = verdicts_on_share if self.gate.compare_to == "absolute" else verdicts_on_pairs
        return verdicts(self.gate, tallies, self.error, self.slices)


@dataclass
class MonitoredGate:
    """One gate with its slices; a gate on text has none, for text is asked as a whole."""

    gate: QuestionGate
    slices: list[MonitoredSlice]
    planned: int
    possible: PossibleVerdicts
    texts: Sequence[TextResult] = ()
    """The planned pieces of a gate on text."""
    final: list[GateResult] | None = None
    """The results on all questions, once they were all asked."""

    def update(self, so_far: Reports) -> None:
        """Take the answers so far into account."""
        if self.final is not None:
            return
        if isinstance(self.gate, GeneralPerplexityGate):
            self._finish(judge_general_text(self.gate, so_far.metrics, "candidate"))
        elif count_questions(self.gate, so_far.answers, so_far.texts) == self.planned:
            self._finish(_judge(self.gate, so_far))
        elif isinstance(self.gate, AnswerGate):
            answers = relevant_answers(self.gate, so_far.answers)
            for part in self.slices:
                part.update(answers)
            self.possible = worst_of(part.possible for part in self.slices)

    @property
    def results(self) -> list[GateResult]:
        """The results, if the gate is settled."""
        if self.final is not None or not self.possible.settled:
            return self.final or []
        return missed_or_closest([result for part in self.slices for result in part.results()])

    def useful_keys(self, scope: str) -> set[str]:
        """The keys of a scope that could still change what the gate says."""
        if not self.slices:
            return {text.key for text in self.texts if text.scope == scope and self.gate.scope in (scope, "known")}
        return {one.key for part in self.slices if not part.possible.settled for one in part.planned.get(scope, [])}

    def _finish(self, results: list[GateResult]) -> None:
        self.final = results
        verdict = max((RANKS[result.asks] for result in results), default=PASS)
        self.possible = PossibleVerdicts(verdict, verdict)


class GateMonitor:
    """All gates that depend on questions.

    Args:
        planned: what will be asked if nothing stops it; its outcomes are not looked at.
        models: the names of the models that are asked.
        error: how often, at most, the settled verdict differs from that of all questions. It is divided among the
            gates that look at different counts, and each share among slices and scopes (a union bound).
    """

    def __init__(self, planned: Reports, gates: Sequence[Gate], models: Sequence[str], error: float):
        self.gates = tuple(gate for gate in gates if isinstance(gate, QuestionGate))
        self.question_check = check_current_questions(self.gates, planned.answers, planned.texts)
        self.monitored = [one for gate in self.gates if (one := _monitored(gate, planned, models)) is not None]
        _divide_error(error, self.open)

    def update(self, so_far: Reports) -> PossibleVerdicts:
        """The verdicts that all gates together may still lead to, after the answers so far."""
        for one in self.monitored:
            one.update(so_far)
        fixed = max((RANKS[result.asks] for result in self.question_check), default=PASS)
        return worst_of([PossibleVerdicts(fixed, fixed), *(one.possible for one in self.monitored)])

    @property
    def open(self) -> list[MonitoredGate]:
        """The gates that more questions could still change."""
        return [one for one in self.monitored if not one.possible.settled]

    @property
    def results(self) -> list[GateResult]:
        """The results of the gates that are settled."""
        return [result for one in self.monitored for result in one.results] + self.question_check


def worst_of(verdicts: Iterable[PossibleVerdicts]) -> PossibleVerdicts:
    """The verdicts of several gates, or slices, together: the worst one counts."""
    found = list(verdicts)
    return PossibleVerdicts(max(one.best for one in found), max(one.worst for one in found))


def _judge(gate: AnswerGate | TextPerplexityGate, reports: Reports) -> list[GateResult]:
    if isinstance(gate, AnswerGate):
        return judge_answers(gate, reports.answers, "candidate")
    return judge_texts(gate, reports.texts, "candidate")


def _monitored(gate: QuestionGate, planned: Reports, models: Sequence[str]) -> MonitoredGate | None:
    """None for a gate that does not apply."""
    anything = PossibleVerdicts(PASS, verdict_if_missed(gate))
    if isinstance(gate, GeneralPerplexityGate):
        return MonitoredGate(gate, [], 0, anything)
    count = count_questions(gate, planned.answers, planned.texts)
    if count < gate.min_questions:
        return None
    if isinstance(gate, TextPerplexityGate):
        return MonitoredGate(gate, [], count, anything, planned.texts)
    slices = slices_of(gate, relevant_answers(gate, planned.answers))
    if not slices or gate.compare_to not in ("absolute", *models):
        return None
    parts = [MonitoredSlice(gate, name, _by_scope(part), len(slices)) for name, part in slices.items()]
    return MonitoredGate(gate, parts, count, worst_of(part.possible for part in parts))


def _divide_error(error: float, monitored: Sequence[MonitoredGate]) -> None:
    """Gates that look at the same counts have one share together: they are right, or wrong, about the same ones."""
    groups: dict[Any, list[MonitoredSlice]] = {}
    for one in monitored:
        if isinstance(gate := one.gate, AnswerGate) and one.slices:
            group = (gate.measure, gate.scope, gate.compare_to, gate.slice_by, gate.only_slice)
            groups.setdefault(group, []).extend(part for part in one.slices if not part.possible.settled)
    for parts in groups.values():
        slices, scopes = len({part.slice for part in parts}), max(len(part.planned) for part in parts)
        for part in parts:
            part.error = error / len(groups) / slices / scopes


def _by_scope(answers: Sequence[QuestionResult]) -> dict[str, list[QuestionResult]]:
    scopes: dict[str, list[QuestionResult]] = {}
    for one in answers:
        scopes.setdefault(one.scope, []).append(one)
    return scopes


def _tally(gate: AnswerGate, planned: Sequence[QuestionResult], asked: Sequence[QuestionResult]) -> Tally:
    questions = Counter(one.key for one in planned)
    size, least, keys = len(questions), 1 / max(questions.values()), [one.key for one in asked]
    mine = hits_by_key(keys, hits(asked, gate, "candidate"))
    if gate.compare_to == "absolute":
        full, expected = int((mine == 1).sum()), int(gate.measure == "stale")
        return Tally(size, np.array([full, len(mine) - full]), np.array([mine.sum()]), least, expected)
    above = mine - hits_by_key(keys, hits(asked, gate, gate.compare_to))
    better, worse = int((above > 0).sum()), int((above < 0).sum())
    sums = np.array([np.maximum(above, 0.0).sum(), np.maximum(-above, 0.0).sum()])
    expected = 0 if gate.scope == "current" and gate.measure == "accuracy" else 2
    return Tally(size, np.array([better, worse, len(above) - better - worse]), sums, least, expected)


def _inconclusive_outcome(gate: AnswerGate, measured: GateOutcome) -> GateOutcome:
    """The outcome of a gate whose settled verdict is `inconclusive`."""
    if gate.confidence is None:
        return "failed"
    return "failed" if measured == "failed" and gate.on_fail == "review" else "undecided"
