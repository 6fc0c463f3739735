"""Gates on answers: the share that is right, or out of date."""

from collections.abc import Sequence
from typing import NamedTuple

from abreast.core.settings import Gate
from abreast.gates.decide import SHOWN, decide, reached
from abreast.reports.answers import QuestionResult
from abreast.reports.verdict import GateResult
from abreast.statistics.exact import Interval, interval, p_value
from abreast.statistics.holm import holm
from abreast.statistics.mcnemar import mcnemar
from abreast.statistics.pairs import hits_by_key, pair, votes
from abreast.statistics.sample_size import least_questions
from abreast.statistics.share import p_above, p_below, share_interval


class Found(NamedTuple):
    """What the answers say, before a gate decides; `p_kept` and `p_missed` as in `decide`."""

    name: str
    measured: float
    needed: float
    other: float | None
    keys: int
    interval: Interval
    p_kept: float
    p_missed: float


def concerned(gate: Gate, answers: Sequence[QuestionResult]) -> list[QuestionResult]:
    """The answers that a gate is about."""
    held = [one for one in answers if gate.scope in (one.scope, "known")]
    if gate.only_slice is not None:
        held = [one for one in held if getattr(one, gate.slice_by) == gate.only_slice]
    return [one for one in held if gate.measure == "accuracy" or one.outdated is not None]


def of_shares(gate: Gate, answers: Sequence[QuestionResult], candidate: str) -> list[GateResult]:
    """The result of one gate; of one on slices those of all that miss it, or else of the one that comes nearest to it.

    Slices pass where every one of them does (an intersection-union test, which needs no correction: Berger 1982,
    Technometrics 24:295-300), and one of them fails where its p-value does after Holm's correction. Slices with too few
    questions are not asked, nor is one slice alone, which is the whole, nor a gate without the model it is against.

    Args:
        candidate: the name of the model in the answers.
    """
    held = concerned(gate, answers)
    parts = slices_of(gate, held)
    if not parts or (gate.compare_to != "absolute" and hits(held, gate, gate.compare_to)[0] is None):
        return []
    found = [_found(gate, name, part, candidate) for name, part in parts.items()]
    corrected = holm([one.p_missed for one in found])
    return told([_result(gate, one._replace(p_missed=p)) for one, p in zip(found, corrected, strict=True)])


def slices_of(gate: Gate, held: Sequence[QuestionResult]) -> dict[str, list[QuestionResult]]:
    """What a gate is asked of, by the names of its results: all that it is about, or each slice with enough of it."""
    if not held:
        return {}
    if gate.slice_by is None or gate.only_slice is not None:
        return {gate.name: list(held)}
    parts: dict[str, list[QuestionResult]] = {}
    for one in sorted(held, key=lambda one: getattr(one, gate.slice_by)):
        parts.setdefault(getattr(one, gate.slice_by), []).append(one)
    if len(parts) < 2:
        return {}
    return {f"{gate.name} [{name or 'none'}]": part for name, part in parts.items() if len(part) >= gate.min_questions}


def result_of(gate: Gate, name: str, held: Sequence[QuestionResult], candidate: str = "candidate") -> GateResult:
    """What a gate makes of some answers by themselves."""
    return _result(gate, _found(gate, name, held, candidate))


def told(results: list[GateResult]) -> list[GateResult]:
    """All that do not pass, or the one that comes nearest to not passing."""
    if held_up := [one for one in results if not one.passed]:
        return held_up
    margins = [(one.measured - one.needed) * (1 if one.bound != "at most" else -1) for one in results]
    return [min(zip(margins, range(len(results)), results, strict=True))[2]] if results else []


def hits(held: Sequence[QuestionResult], gate: Gate, who: str) -> list[bool | None]:
    """Whether a model's answers are what the gate counts; None of a model that there is not."""
    if gate.measure == "stale":
        return [one.outdated[who] for one in held]
    return [one.correct[who] for one in held]


def _found(gate: Gate, name: str, held: Sequence[QuestionResult], candidate: str) -> Found:
    keys, mine = [one.key for one in held], hits(held, gate, candidate)
    confidence = gate.confidence or SHOWN
    if gate.compare_to == "absolute":
        return _alone(gate, name, keys, mine, hits(held, gate, "champion"), confidence)
    theirs = hits(held, gate, gate.compare_to)
    pairs = pair(keys, mine, theirs)
    bound = gate.at_least if gate.at_least is not None else gate.at_most
    shown = interval(pairs.won, pairs.lost, pairs.keys, confidence)
    if bound == 0.0:
        more, less = votes(keys, mine, theirs)
        above, below = float(mcnemar(more, less)), float(mcnemar(less, more))
    else:
        above = p_value(pairs.won, pairs.lost, pairs.keys, bound)
        below = p_value(pairs.lost, pairs.won, pairs.keys, -bound)
    p_kept, p_missed = (above, below) if gate.at_least is not None else (below, above)
    return Found(name, pairs.candidate, pairs.other + bound, pairs.other, pairs.keys, shown, p_kept, p_missed)


def _alone(
    gate: Gate, name: str, keys: list[str], mine: list[bool], champion: list[bool | None], confidence: float
) -> Found:
    """A share by itself; the champion's is shown where there is one."""
    by_key = hits_by_key(keys, mine)
    known, count = float(by_key.sum()), len(by_key)
    bar = gate.at_least if gate.at_least is not None else gate.at_most
    above, below = p_above(known, count, bar), p_below(known, count, bar)
    p_kept, p_missed = (above, below) if gate.at_least is not None else (below, above)
    other = None if champion[0] is None else float(hits_by_key(keys, champion).mean())
    return Found(name, known / count, bar, other, count, share_interval(known, count, confidence), p_kept, p_missed)


def _result(gate: Gate, found: Found) -> GateResult:
    outcome = decide(gate, reached(gate, found.measured, found.needed), found.p_kept, found.p_missed)
    needs = None
    if (
        outcome == "undecided"
        and gate.compare_to != "absolute"
        and gate.at_least is not None
        and abs(gate.at_least) < 1
    ):
        least = least_questions(gate.at_least, gate.confidence)
        needs = least if found.keys < least else None
    champion = found.other if gate.compare_to != "base" else None
    return GateResult(
        name=found.name,
        measured=found.measured,
        needed=found.needed,
        bound="at least" if gate.at_least is not None else "at most",
        champion=champion,
        outcome=outcome,
        on_fail=gate.on_fail,
        of="share" if gate.compare_to == "absolute" else "difference",
        interval=found.interval,
        n=found.keys,
        p=min(1.0, found.p_kept, found.p_missed) if gate.confidence is not None else None,
        needs=needs,
    )
