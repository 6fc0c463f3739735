"""The gates, watched while questions are asked: what each may still say once all of them are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from abreast.core.settings import Gate
from abreast.gates.enough import count, enough
from abreast.gates.perplexity_gates import of_general_text, of_texts
from abreast.gates.share_gates import concerned, hits, of_shares, result_of, slices_of, told
from abreast.reports.answers import QuestionResult
from abreast.reports.reports import Reports
from abreast.reports.texts import TextResult
from abreast.reports.verdict import GateResult
from abreast.statistics.pairs import hits_by_key
from abreast.statistics.sequential import (
    FAIL,
    INCONCLUSIVE,
    LARGEST,
    PASS,
    Tally,
    Verdicts,
    verdicts_on_pairs,
    verdicts_on_share,
)

RANKS = {None: PASS, "inconclusive": INCONCLUSIVE, "fail": FAIL}
ON_QUESTIONS = ("accuracy", "stale", "general_perplexity", "text_perplexity")
"""The measures that the stage `evaluate` takes; whatever else a gate may measure is judged elsewhere."""


@dataclass
class Part:
    """What one gate is asked of, all of it or a slice: the planned questions, by scope, and what it says of them."""

    gate: Gate
    name: str
    planned: dict[str, list[QuestionResult]]
    slices: int
    error: float = 0.0
    said: Verdicts = field(init=False)
    asked: list[QuestionResult] = field(default_factory=list)
    """All answers so far, or those that it was settled by: what was asked later was not drawn for it."""
    decides: bool = field(init=False)
    """Whether answers can settle it; a gate that only warns is settled from the beginning."""

    def __post_init__(self) -> None:
        self.said = self._look()
        self.decides = not self.said.settled

    def look(self, answers: Sequence[QuestionResult]) -> None:
        """Look at the answers so far; what is settled once stays so."""
        if self.decides and self.said.settled:
            return
        self.asked = [one for one in answers if self.holds(one)]
        if self.decides:
            self.said = self._look()

    def holds(self, one: QuestionResult) -> bool:
        """Whether it is about a question."""
        return self.slice is None or getattr(one, self.gate.slice_by) == self.slice

    def result(self) -> list[GateResult]:
        """The measured figure of the asked ones with what is said of all of them; nothing where none was asked."""
        if not self.asked or not self.said.settled:
            return []
        measured = result_of(self.gate, self.name, self.asked)
        outcome = {PASS: "passed", INCONCLUSIVE: _unsure(self.gate, measured.outcome), FAIL: "failed"}[self.said.best]
        if self.gate.on_fail == "warn":
            outcome = measured.outcome
        shown = {"interval": (self.said.low, self.said.high), "p": None, "needs": None, "planned": self.keys}
        return [measured.model_copy(update={"outcome": outcome} | shown)]

    @property
    def keys(self) -> int:
        """How many keys are planned."""
        return sum(len({one.key for one in planned}) for planned in self.planned.values())

    @property
    def slice(self) -> str | None:
        """The name of the slice that it is about, if the gate has slices."""
        first = next(iter(self.planned.values()))[0]
        return None if self.gate.slice_by is None else getattr(first, self.gate.slice_by)

    def _look(self) -> Verdicts:
        tallies = [
            _tally(self.gate, planned, [one for one in self.asked if one.scope == scope])
            for scope, planned in self.planned.items()
        ]
        if any(tally.size > LARGEST and not tally.seen.any() for tally in tallies):
            return Verdicts(PASS, worst(self.gate))
        of = verdicts_on_share if self.gate.compare_to == "absolute" else verdicts_on_pairs
        return of(self.gate, tallies, self.error, self.slices)


@dataclass
class Watched:
    """One gate: its parts, or none for a gate on text, which is asked whole."""

    gate: Gate
    parts: list[Part]
    planned: int
    said: Verdicts
    texts: Sequence[TextResult] = ()
    """The planned pieces of a gate on text."""
    whole: list[GateResult] | None = None
    """The results on all of its questions, once they were asked."""

    def look(self, held: Reports) -> None:
        """Take the answers so far into account."""
        if self.whole is not None:
            return
        if self.gate.measure == "general_perplexity":
            self._settle(of_general_text(self.gate, held.metrics, "candidate"))
        elif count(self.gate, held.answers, held.texts) == self.planned:
            of, answers = (of_texts, held.texts) if self.gate.of_perplexity else (of_shares, held.answers)
            self._settle(of(self.gate, answers, "candidate"))
        elif self.parts:
            answers = concerned(self.gate, held.answers)
            for part in self.parts:
                part.look(answers)
            said = [part.said for part in self.parts]
            self.said = Verdicts(max(one.best for one in said), max(one.worst for one in said))

    @property
    def results(self) -> list[GateResult]:
        """What is told of the gate, if it is settled."""
        if self.whole is not None or not self.said.settled:
            return self.whole or []
        return told([result for part in self.parts for result in part.result()])

    def wanted(self, scope: str) -> set[str]:
        """The keys of a scope that could still change what it says."""
        if not self.parts:
            return {text.key for text in self.texts if text.scope == scope and self.gate.scope in (scope, "known")}
        return {one.key for part in self.parts if not part.said.settled for one in part.planned.get(scope, [])}

    def _settle(self, results: list[GateResult]) -> None:
        self.whole = results
        verdict = max((RANKS[result.asks] for result in results), default=PASS)
        self.said = Verdicts(verdict, verdict)


class Watch:
    """All gates that the questions are for.

    Args:
        planned: what will be asked if nothing stops it; whether the answers are right is not looked at.
        models: the names of the models that are asked.
        error: how often, at most, what is settled is not what all questions would say. It is shared out among the
            gates that look at different counts, and each share among slices and scopes (a union bound).
    """

    def __init__(self, planned: Reports, gates: Sequence[Gate], models: Sequence[str], error: float):
        self.gates = tuple(gate for gate in gates if gate.measure in ON_QUESTIONS)
        self.enough = enough(self.gates, planned.answers, planned.texts)
        self.watched = [one for gate in self.gates if (one := _watched(gate, planned, models)) is not None]
        _share_out(error, [one for one in self.watched if not one.said.settled])

    def look(self, held: Reports) -> Verdicts:
        """What may still come out of all gates together."""
        for one in self.watched:
            one.look(held)
        fixed = max((RANKS[result.asks] for result in self.enough), default=PASS)
        said = [one.said for one in self.watched]
        return Verdicts(max([fixed, *(of.best for of in said)]), max([fixed, *(of.worst for of in said)]))

    @property
    def still_open(self) -> list[Watched]:
        """Those that more questions could still change."""
        return [one for one in self.watched if not one.said.settled]

    @property
    def open(self) -> list[Gate]:
        """The gates that more questions could still change."""
        return [one.gate for one in self.still_open]

    @property
    def results(self) -> list[GateResult]:
        """Those of the gates that are settled."""
        return [result for one in self.watched for result in one.results] + self.enough


def worst(gate: Gate) -> int:
    """The worst that a gate can say."""
    return {"block": FAIL, "review": INCONCLUSIVE, "warn": PASS}[gate.on_fail]


def _watched(gate: Gate, planned: Reports, models: Sequence[str]) -> Watched | None:
    """None for a gate that is not asked."""
    if gate.measure == "general_perplexity":
        return Watched(gate, [], 0, Verdicts(PASS, worst(gate)))
    number = count(gate, planned.answers, planned.texts)
    if number < gate.min_questions:
        return None
    if gate.of_perplexity:
        return Watched(gate, [], number, Verdicts(PASS, worst(gate)), planned.texts)
    held = slices_of(gate, concerned(gate, planned.answers))
    if not held or gate.compare_to not in ("absolute", *models):
        return None
    slices = len(held)
    parts = [Part(gate, name, _by_scope(of), slices) for name, of in held.items()]
    said = Verdicts(max(part.said.best for part in parts), max(part.said.worst for part in parts))
    return Watched(gate, parts, number, said)


def _share_out(error: float, watched: Sequence[Watched]) -> None:
    """Gates that look at the same counts have one share together: they are right, or wrong, of the same ones."""
    groups: dict[Any, list[Watched]] = {}
    for one in watched:
        gate = one.gate
        groups.setdefault((gate.measure, gate.scope, gate.compare_to, gate.slice_by, gate.only_slice), []).append(one)
    groups = {which: held for which, held in groups.items() if any(one.parts for one in held)}
    for held in groups.values():
        parts = [part for one in held for part in one.parts if not part.said.settled]
        slices, scopes = len({part.slice for part in parts}), max(len(part.planned) for part in parts)
        for part in parts:
            part.error = error / len(groups) / slices / scopes


def _by_scope(held: Sequence[QuestionResult]) -> dict[str, list[QuestionResult]]:
    parts: dict[str, list[QuestionResult]] = {}
    for one in held:
        parts.setdefault(one.scope, []).append(one)
    return parts


def _tally(gate: Gate, planned: Sequence[QuestionResult], asked: Sequence[QuestionResult]) -> Tally:
    questions = Counter(one.key for one in planned)
    size, least, keys = len(questions), 1 / max(questions.values()), [one.key for one in asked]
    if gate.compare_to == "absolute":
        mine = hits_by_key(keys, hits(asked, gate, "candidate"))
        full, expected = int((mine == 1).sum()), int(gate.measure == "stale")
        return Tally(size, np.array([full, len(mine) - full]), np.array([mine.sum()]), least, expected)
    above = hits_by_key(keys, hits(asked, gate, "candidate")) - hits_by_key(keys, hits(asked, gate, gate.compare_to))
    better, worse = int((above > 0).sum()), int((above < 0).sum())
    sums = np.array([np.maximum(above, 0.0).sum(), np.maximum(-above, 0.0).sum()])
    expected = 0 if gate.scope == "current" and gate.measure == "accuracy" else 2
    return Tally(size, np.array([better, worse, len(above) - better - worse]), sums, least, expected)


def _unsure(gate: Gate, measured: str) -> str:
    """How a gate that leaves it to a person is told."""
    if gate.confidence is None:
        return "failed"
    return "failed" if measured == "failed" and gate.on_fail == "review" else "undecided"
