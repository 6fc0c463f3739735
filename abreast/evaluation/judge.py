"""The verdict on a candidate: thresholds from params.yaml, and the champion on the same questions."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from abreast.config import Gates


class GateResult(BaseModel):
    """One gate: what was measured, what was needed, what the champion reached; None where there is no such figure."""

    model_config = ConfigDict(frozen=True)

    name: str
    measured: float | None
    needed: float
    bound: Literal["at least", "at most"]
    champion: float | None
    passed: bool

    @property
    def reason(self) -> str:
        """`name: measured x, needed at least y, champion z`."""
        champion = "none" if self.champion is None else f"{self.champion:.3g}"
        measured = "none" if self.measured is None else f"{self.measured:.3g}"
        return f"{self.name}: measured {measured}, needed {self.bound} {self.needed:.3g}, champion {champion}"


class Verdict(BaseModel):
    """`pass`, `fail` or `inconclusive`, with one reason for each gate, failed ones first.

    `note` is a sentence for the report which decides nothing, or empty.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Literal["pass", "fail", "inconclusive"]
    reasons: tuple[str, ...]
    gates: tuple[GateResult, ...]
    note: str = ""


def judge(metrics: dict[str, Any], gates: Gates) -> Verdict:
    """Judge the figures of reports/metrics.json, as the stage `evaluate` writes them.

    Too few questions on what the drop brought, or too few pieces of its raw text, decide nothing about the gain; a loss
    still fails. What the base reaches with examples before each question is no gate, and may be worth a note.
    """
    results, enough = _results(metrics, gates)
    failed = [gate for gate in results if not gate.passed]
    verdict = "pass" if not failed else "inconclusive" if failed == [enough] else "fail"
    ordered = (*failed, *(gate for gate in results if gate.passed))
    reasons = tuple(gate.reason for gate in ordered)
    notes = (_without_training(metrics, gates), _without_perplexity(metrics))
    return Verdict(verdict=verdict, reasons=reasons, gates=ordered, note="; ".join(filter(None, notes)))


def _results(metrics: dict[str, Any], gates: Gates) -> tuple[list[GateResult], GateResult]:
    """All gates, and the last of them: whether enough was asked."""
    texts = metrics.get("by_kind", {}).get("text", {"counts": {"current": 0, "retained": 0}})
    asked = max(metrics["counts"]["current"], texts["counts"]["current"])
    enough = _at_least("questions on this drop", asked, gates.min_questions, None)
    return [*_gain(metrics, gates), *_losses(metrics, gates), *_texts(texts, gates), enough], enough


def _without_training(metrics: dict[str, Any], gates: Gates) -> str:
    """What to say if the base passes every gate with examples before each question; raw text can only be learned."""
    shown = metrics.get("in_context")
    if not shown or metrics.get("by_kind", {}).get("text", {"counts": {"current": 0}})["counts"]["current"]:
        return ""
    by_kind = {kind: of | {"candidate": of["in_context"]} for kind, of in metrics.get("by_kind", {}).items()}
    results, _ = _results(metrics | {"candidate": shown, "by_kind": by_kind}, gates)
    if not all(gate.passed for gate in results):
        return ""
    return (
        f"training is not needed: the untrained base passes every gate with {shown['examples']} examples before each "
        f"question ({shown['current_exact_match']:.1%} right on what these drops brought)"
    )


def _without_perplexity(metrics: dict[str, Any]) -> str:
    """What to say of a base that has no perplexity."""
    known = metrics["base"]["general_perplexity"] is not None
    return "" if known else "there is no gate for general perplexity: model.base has no head for masked words"


def _gain(metrics: dict[str, Any], gates: Gates) -> list[GateResult]:
    """What the drop brought must be known: well enough, and not worse than the champion knows it."""
    if metrics["counts"]["current"] < gates.min_questions:
        return []
    champion = (metrics["champion"] or {}).get("current_exact_match")
    needed = max(gates.min_current, champion or 0.0)
    return [_at_least("current_exact_match", metrics["candidate"]["current_exact_match"], needed, champion)]


def _losses(metrics: dict[str, Any], gates: Gates) -> list[GateResult]:
    """Nothing still valid is forgotten, nothing superseded is told, the language is not damaged."""
    candidate, champion, results = metrics["candidate"], metrics["champion"] or {}, []
    kept = champion.get("retained_exact_match")
    if kept is not None:
        needed = kept - gates.max_retention_loss
        results.append(_at_least("retained_exact_match", candidate["retained_exact_match"], needed, kept))
    if candidate["stale_rate"] is not None:
        results.append(_at_most("stale_rate", candidate["stale_rate"], gates.max_stale, champion.get("stale_rate")))
    if (base := metrics["base"]["general_perplexity"]) is None:
        return results
    ratio = candidate["general_perplexity"] / base
    before = champion["general_perplexity"] / base if champion else None
    return [*results, _at_most("general_perplexity_ratio", ratio, gates.max_perplexity_ratio, before)]


def _texts(texts: dict[str, Any], gates: Gates) -> list[GateResult]:
    """Raw text of the drop is foreseen no worse than before it was read, earlier text nearly as well as before."""
    champion = texts.get("champion") or {}
    before = champion or texts.get("base")
    margins = {"current": 1.0, "retained": 1.0 + gates.max_retention_loss}
    least = {"current": gates.min_questions, "retained": 1}
    results = []
    for scope, margin in margins.items():
        if texts["counts"][scope] >= least[scope]:
            measured, was = texts["candidate"][scope]["perplexity"], before[scope]["perplexity"]
            results.append(_at_most(f"{scope}_text_perplexity", measured, was * margin, was if champion else None))
    return results


def _at_least(name: str, measured: float | None, needed: float, champion: float | None) -> GateResult:
    passed = measured is not None and measured >= needed - 1e-9
    return GateResult(name=name, measured=measured, needed=needed, bound="at least", champion=champion, passed=passed)


def _at_most(name: str, measured: float | None, needed: float, champion: float | None) -> GateResult:
    passed = measured is not None and measured <= needed + 1e-9
    return GateResult(name=name, measured=measured, needed=needed, bound="at most", champion=champion, passed=passed)
