"""Gates on perplexity: of general text, and of the raw text that drops bring."""

from collections.abc import Sequence
from math import exp

from abreast.core.settings import Gate
from abreast.gates.decide import decide, reached
from abreast.metrics.likelihood import perplexity
from abreast.reports.metrics import EvaluationMetrics
from abreast.reports.texts import TextResult
from abreast.reports.verdict import GateResult
from abreast.statistics.bootstrap import bootstrap


def of_general_text(gate: Gate, metrics: EvaluationMetrics, candidate: str) -> list[GateResult]:
    """The perplexity of one fixed text, or its ratio to that of the model it is compared with.

    One figure of one text, so nothing is drawn, and there is no interval. Nothing without the model to compare with,
    nor of an encoder that has no perplexity.
    """
    other = 1.0 if gate.compare_to == "absolute" else _general(metrics, gate.compare_to)
    own = _general(metrics, candidate)
    if other is None or own is None:
        return []
    measured = own / other
    champion = None if metrics.champion is None else metrics.champion.general_perplexity / other
    outcome = decide(gate, reached(gate, measured, gate.at_most), 1.0, 1.0)
    return [
        GateResult(
            name=gate.name,
            measured=measured,
            needed=gate.at_most,
            bound="at most",
            champion=champion,
            outcome=outcome,
            on_fail=gate.on_fail,
            of="ratio",
        )
    ]


def of_texts(gate: Gate, texts: Sequence[TextResult], candidate: str) -> list[GateResult]:
    """The perplexity of raw text, at most so many times that of the model it is compared with.

    Before there is a champion the untrained base stands in its place: the first version learns from it. With
    `confidence` the interval of the ratio decides, by the paired bootstrap over keys of the log-likelihoods.

    Args:
        candidate: the name of the model in the texts.
    """
    held = [text for text in texts if gate.scope in (text.scope, "known") and text.tokens]
    if not held:
        return []
    measured, champion = _perplexity(held, candidate), _perplexity(held, "champion")
    who = "base" if gate.compare_to == "champion" and champion is None else gate.compare_to
    before = 1.0 if gate.compare_to == "absolute" else _perplexity(held, who)
    if before is None or measured is None:
        return []
    needed = before * gate.at_most
    p_kept = p_missed = 1.0
    shown = None
    if gate.confidence is not None:
        low, high = (exp(end) for end in bootstrap(*_by_key(held, candidate, who), gate.confidence))
        p_kept, p_missed, shown = float(high > gate.at_most), float(low <= gate.at_most), (low, high)
    return [
        GateResult(
            name=gate.name,
            measured=measured,
            needed=needed,
            bound="at most",
            champion=champion,
            outcome=decide(gate, reached(gate, measured, needed), p_kept, p_missed),
            on_fail=gate.on_fail,
            of="ratio",
            interval=shown,
            n=len(held),
        )
    ]


def _general(metrics: EvaluationMetrics, model: str) -> float | None:
    """None where the model does not exist, or has no perplexity."""
    of = metrics.of(model)
    return None if of is None else of.general_perplexity


def _perplexity(held: Sequence[TextResult], who: str) -> float | None:
    """None where the model is not there."""
    means = [text.means.get(who) for text in held]
    return None if None in means else perplexity(means, [text.tokens for text in held])


def _by_key(held: Sequence[TextResult], candidate: str, other: str) -> tuple[list[float], list[float]]:
    """For each key, by how much the mean log-likelihood of a token fell, and its tokens."""
    losses: dict[str, float] = {}
    tokens: dict[str, float] = {}
    for text in held:
        fallen = (text.means[other] - text.means[candidate]) * text.tokens
        losses[text.key] = losses.get(text.key, 0.0) + fallen
        tokens[text.key] = tokens.get(text.key, 0.0) + text.tokens
    return [losses[key] / tokens[key] for key in losses], list(tokens.values())
