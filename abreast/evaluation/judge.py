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
    """`pass`, `fail` or `inconclusive`, with one reason for each gate, failed ones first."""

    model_config = ConfigDict(frozen=True)

    verdict: Literal["pass", "fail", "inconclusive"]
    reasons: tuple[str, ...]
    gates: tuple[GateResult, ...]


def judge(metrics: dict[str, Any], gates: Gates) -> Verdict:
    """Judge the figures of reports/metrics.json, as the stage `evaluate` writes them.

    Too few questions on what the drop brought, or too few pieces of its raw text, decide nothing about the gain; a loss
    still fails.
    """
    texts = metrics.get("by_kind", {}).get("text", {"counts": {"current": 0, "retained": 0}})
    asked = max(metrics["counts"]["current"], texts["counts"]["current"])
    enough = _at_least("questions on this drop", asked, gates.min_questions, None)
    results = [*_gain(metrics, gates), *_losses(metrics, gates), *_texts(texts, gates), enough]
    failed = [gate for gate in results if not gate.passed]
    verdict = "pass" if not failed else "inconclusive" if failed == [enough] else "fail"
    ordered = (*failed, *(gate for gate in results if gate.passed))
    return Verdict(verdict=verdict, reasons=tuple(gate.reason for gate in ordered), gates=ordered)


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
    base = metrics["base"]["general_perplexity"]
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
