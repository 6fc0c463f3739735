"""Gates on perplexity: of general text, and of the raw text that drops bring."""

from collections.abc import Sequence
from math import exp

from abreast.core.settings import GeneralPerplexityGate, TextPerplexityGate
from abreast.gates.decide import decide_by_figure, decide_by_test
from abreast.metrics.likelihood import perplexity
from abreast.reports.metrics import EvaluationMetrics
from abreast.reports.texts import TextResult
from abreast.reports.verdict import GateResult
from abreast.statistics.bootstrap import bootstrap


def judge_general_text(gate: GeneralPerplexityGate, metrics: EvaluationMetrics, candidate: str) -> list[GateResult]:
    """The result of a gate on the perplexity of one fixed text, or on its ratio to another model's.

    It is one figure of one text, so there is nothing to resample and no interval. Empty without the other model, and
    for an encoder without a perplexity.
    """
    other = 1.0 if gate.compare_to == "absolute" else _general(metrics, gate.compare_to)
    own = _general(metrics, candidate)
    if other is None or own is None:
        return []
    measured, champion = own / other, _general(metrics, "champion")
    return [
        GateResult(
            name=gate.name,
            measured=measured,
            needed=gate.at_most,
            bound="at most",
            champion=champion / other if champion is not None else None,
            outcome=decide_by_figure(gate, measured, gate.at_most),
            on_fail=gate.on_fail,
            of="ratio",
        )
    ]


def judge_texts(gate: TextPerplexityGate, texts: Sequence[TextResult], candidate: str) -> list[GateResult]:
    """The result of a gate on the perplexity of raw text, or on its ratio to another model's.

    Before there is a champion, the untrained base takes its place: the first version is trained from it. With
    `confidence` the interval of the ratio decides, from the paired bootstrap over keys of the log-likelihoods.

    Args:
        candidate: the name of the model in the texts.
    """
    relevant = [text for text in texts if gate.scope in (text.scope, "known") and text.tokens]
    if not relevant:
        return []
    measured, champion = _perplexity(relevant, candidate), _perplexity(relevant, "champion")
    other = "base" if gate.compare_to == "champion" and champion is None else gate.compare_to
    before = 1.0 if gate.compare_to == "absolute" else _perplexity(relevant, other)
    if before is None or measured is None:
        return []
    needed = before * gate.at_most
    p_kept = p_missed = 1.0
    interval = None
    if gate.confidence is not None:
        low, high = (exp(end) for end in bootstrap(*_losses_by_key(relevant, candidate, other), gate.confidence))
        p_kept, p_missed, interval = float(high > gate.at_most), float(low <= gate.at_most), (low, high)
    return [
        GateResult(
            name=gate.name,
            measured=measured,
            needed=needed,
            bound="at most",
            champion=champion,
            outcome=decide_by_test(gate, measured, needed, p_kept, p_missed),
            on_fail=gate.on_fail,
            of="ratio",
            interval=interval,
            n=len(relevant),
        )
    ]


def _general(metrics: EvaluationMetrics, model: str) -> float | None:
    """The perplexity of general text; None if the model is missing, or has none."""
    measured = metrics.of(model)
    return None if measured is None else measured.general_perplexity


def _perplexity(texts: Sequence[TextResult], model: str) -> float | None:
    """None if the model is missing."""
    means = [text.means.get(model) for text in texts]
    present = [mean for mean in means if mean is not None]
    return perplexity(present, [text.tokens for text in texts]) if len(present) == len(means) else None


def _losses_by_key(texts: Sequence[TextResult], candidate: str, other: str) -> tuple[list[float], list[float]]:
    """For each key, by how much the mean log-likelihood of a token fell, and its number of tokens."""
    losses: dict[str, float] = {}
    tokens: dict[str, float] = {}
    for text in texts:
        before, now = text.means[other], text.means[candidate]
        if before is None or now is None:
            raise ValueError(f"{text.key}: no likelihood of {other} or {candidate}")
        losses[text.key] = losses.get(text.key, 0.0) + (before - now) * text.tokens
        tokens[text.key] = tokens.get(text.key, 0.0) + text.tokens
    return [losses[key] / tokens[key] for key in losses], list(tokens.values())
