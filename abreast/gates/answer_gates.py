"""Gates on answers: the share that is right, or superseded."""

from collections.abc import Sequence
from typing import NamedTuple

from abreast.core.settings import AnswerGate
from abreast.gates.decide import DEFAULT_CONFIDENCE, decide_by_test
from abreast.reports.answers import QuestionResult
from abreast.reports.verdict import GateResult
from abreast.statistics.exact import Interval, interval, p_value
from abreast.statistics.holm import holm
from abreast.statistics.mcnemar import mcnemar
from abreast.statistics.pairs import hits_by_key, pair, votes
from abreast.statistics.sample_size import least_questions
from abreast.statistics.share import p_above, p_below, share_interval


class Evidence(NamedTuple):
    """What the answers show, before the gate decides; `p_kept` and `p_missed` as in `decide_by_test`."""

    name: str
    measured: float
    needed: float
    other: float | None
    """The share of the other model; of a gate that compares with none, the champion's."""
    keys: int
    interval: Interval
    p_kept: float
    p_missed: float


def relevant_answers(gate: AnswerGate, answers: Sequence[QuestionResult]) -> list[QuestionResult]:
    """The answers that a gate is about."""
    found = [one for one in answers if gate.scope in (one.scope, "known")]
    if gate.only_slice is not None:
        found = [one for one in found if slice_of(gate, one) == gate.only_slice]
    return [one for one in found if gate.measure == "accuracy" or one.outdated is not None]


def slice_of(gate: AnswerGate, answer: QuestionResult) -> str | None:
    """The slice that an answer belongs to; None of a gate without slices."""
    return None if gate.slice_by is None else str(getattr(answer, gate.slice_by))


def judge_answers(gate: AnswerGate, answers: Sequence[QuestionResult], candidate: str) -> list[GateResult]:
    """The result of a gate; with slices, the results of those that miss it, or else of the one closest to missing it.

    The gate passes if every slice does (an intersection-union test, which needs no correction: Berger 1982,
    Technometrics 24:295-300), and a slice fails by its p-value after Holm's correction. Slices with too few questions
    are skipped, and so is a single slice, which is the whole, and a gate whose other model is missing.

    Args:
        candidate: the name of the model in the answers.
    """
    relevant = relevant_answers(gate, answers)
    slices = slices_of(gate, relevant)
    if not slices or (gate.compare_to != "absolute" and not has_answers(relevant, gate.compare_to)):
        return []
    found = [_evidence(gate, name, part, candidate) for name, part in slices.items()]
    corrected = holm([one.p_missed for one in found])
    results = [_result(gate, one._replace(p_missed=p)) for one, p in zip(found, corrected, strict=True)]
    return missed_or_closest(results)


def slices_of(gate: AnswerGate, answers: Sequence[QuestionResult]) -> dict[str, list[QuestionResult]]:
    """The answers by the names of the results: all of them, or each slice with enough questions."""
    if not answers:
        return {}
    if gate.slice_by is None or gate.only_slice is not None:
        return {gate.name: list(answers)}
    slices: dict[str, list[QuestionResult]] = {}
    for one in sorted(answers, key=lambda one: slice_of(gate, one) or ""):
        slices.setdefault(slice_of(gate, one) or "", []).append(one)
    if len(slices) < 2:
        return {}
    return {f"{gate.name} [{name or 'none'}]": part for name, part in slices.items() if len(part) >= gate.min_questions}


def result_on(
    gate: AnswerGate, name: str, answers: Sequence[QuestionResult], candidate: str = "candidate"
) -> GateResult:
    """The result of a gate on some answers by themselves."""
    return _result(gate, _evidence(gate, name, answers, candidate))


def missed_or_closest(results: list[GateResult]) -> list[GateResult]:
    """All results that do not pass, or else the one that is closest to not passing."""
    if missed := [one for one in results if not one.passed]:
        return missed
    margins = [((one.measured or 0.0) - one.needed) * (1 if one.bound == "at least" else -1) for one in results]
    return [min(zip(margins, range(len(results)), results, strict=True))[2]] if results else []


def has_answers(answers: Sequence[QuestionResult], model: str) -> bool:
    """Whether a model was asked."""
    return answers[0].correct[model] is not None


def hits(answers: Sequence[QuestionResult], gate: AnswerGate, model: str) -> list[bool]:
    """Whether each answer of a model is what the gate counts: right, or superseded."""
    if gate.measure == "stale":
        return [bool(one.outdated and one.outdated[model]) for one in answers]
    return [bool(one.correct[model]) for one in answers]


def _evidence(gate: AnswerGate, name: str, answers: Sequence[QuestionResult], candidate: str) -> Evidence:
    if gate.compare_to == "absolute":
        return _evidence_of_share(gate, name, answers, candidate)
    keys, mine, theirs = (
        [one.key for one in answers],
        hits(answers, gate, candidate),
        hits(answers, gate, gate.compare_to),
    )
    pairs = pair(keys, mine, theirs)
    shown = interval(pairs.won, pairs.lost, pairs.keys, gate.confidence or DEFAULT_CONFIDENCE)
    if gate.limit == 0.0:
        more, less = votes(keys, mine, theirs)
        above, below = float(mcnemar(more, less)), float(mcnemar(less, more))
    else:
        above = p_value(pairs.won, pairs.lost, pairs.keys, gate.limit)
        below = p_value(pairs.lost, pairs.won, pairs.keys, -gate.limit)
    p_kept, p_missed = (above, below) if gate.bound == "at least" else (below, above)
    needed = pairs.other + gate.limit
    return Evidence(name, pairs.candidate, needed, pairs.other, pairs.keys, shown, p_kept, p_missed)


def _evidence_of_share(gate: AnswerGate, name: str, answers: Sequence[QuestionResult], candidate: str) -> Evidence:
    """A share by itself; the champion's is shown if there is one."""
    keys, confidence = [one.key for one in answers], gate.confidence or DEFAULT_CONFIDENCE
    by_key = hits_by_key(keys, hits(answers, gate, candidate))
    total, count = float(by_key.sum()), len(by_key)
    above, below = p_above(total, count, gate.limit), p_below(total, count, gate.limit)
    p_kept, p_missed = (above, below) if gate.bound == "at least" else (below, above)
    other = None
    if has_answers(answers, "champion"):
        other = float(hits_by_key(keys, hits(answers, gate, "champion")).mean())
    shown = share_interval(total, count, confidence)
    return Evidence(name, total / count, gate.limit, other, count, shown, p_kept, p_missed)


def _result(gate: AnswerGate, found: Evidence) -> GateResult:
    outcome = decide_by_test(gate, found.measured, found.needed, found.p_kept, found.p_missed)
    return GateResult(
        name=found.name,
        measured=found.measured,
        needed=found.needed,
        bound=gate.bound,
        champion=found.other if gate.compare_to != "base" else None,
        outcome=outcome,
        on_fail=gate.on_fail,
        of="share" if gate.compare_to == "absolute" else "difference",
        interval=found.interval,
        n=found.keys,
        p=min(1.0, found.p_kept, found.p_missed) if gate.confidence is not None else None,
        needs=_needed_questions(gate, found.keys) if outcome == "undecided" else None,
    )


def _needed_questions(gate: AnswerGate, keys: int) -> int | None:
    """The least number of questions that could decide the gate; None if there are as many, or if it is not known."""
    if gate.compare_to == "absolute" or gate.at_least is None or abs(gate.at_least) >= 1 or gate.confidence is None:
        return None
    least = least_questions(gate.at_least, gate.confidence)
    return least if keys < least else None
