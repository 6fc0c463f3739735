"""From what was measured at each drop to the figures of a way, over several seeds, and to its row of the table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from statistics import fmean
from typing import Any

from abreast.metrics.retention import (
    RetentionMatrix,
    average_accuracy,
    backward_transfer,
    forgetting,
    matrix_of_updates,
)
from benchmarks.stream import Measured
from benchmarks.table import as_markdown, figure, percent


@dataclass(frozen=True)
class Figures:
    """One way with one seed. Shares are from 0 to 1; "last" is the update with the last drop."""

    average: float | None
    forgetting: float | None
    backward: float | None
    stale: float | None
    """The highest stale rate after any drop."""
    own: float | None
    """The kind's own measure on all that is known after the last drop, if the stream names one."""
    perplexity: float | None
    """Of general text, over the untrained base's, after the last drop; None of a base that has none."""
    locality: float | None
    """How far the base's answers to unrelated questions are given after the last drop; None of an encoder."""
    last_tokens: float
    last_seconds: float
    seconds: float
    peak_mb: float


def figures(done: Sequence[Measured], measure: tuple[str, str] | None) -> Figures:
    """The figures of one run; `measure` is kind and name in `reports/metrics.json`."""
    found, last = matrix(done), done[-1]
    stale = [one.metrics["candidate"]["stale_rate"] for one in done]
    return Figures(
        average=average_accuracy(found),
        forgetting=forgetting(found),
        backward=backward_transfer(found),
        stale=max((rate for rate in stale if rate is not None), default=None),
        own=last.metrics["by_kind"][measure[0]]["candidate"]["known"][measure[1]] if measure else None,
        perplexity=_ratio(last.metrics),
        locality=last.locality,
        last_tokens=last.tokens,
        last_seconds=last.seconds.get("train", 0.0),
        seconds=sum(one.seconds.get("train", 0.0) for one in done),
        peak_mb=max(one.peak_mb for one in done),
    )


def _ratio(metrics: dict[str, Any]) -> float | None:
    base = metrics["base"]["general_perplexity"]
    return None if base is None else metrics["candidate"]["general_perplexity"] / base


def matrix(done: Sequence[Measured]) -> RetentionMatrix:
    """R[version, drop], the share of right answers on what was still valid of a drop when it was asked."""
    return matrix_of_updates((f"v{number}", one.by_drop) for number, one in enumerate(done, start=1))


def zero_shot(done: Sequence[Measured]) -> list[Measured]:
    """The untrained base on the questions of a run, as if it were a way of its own."""
    return [_as_base(one) for one in done]


def _as_base(one: Measured) -> Measured:
    by_kind = {kind: held | {"candidate": held["base"]} for kind, held in one.metrics["by_kind"].items()}
    metrics = one.metrics | {"candidate": one.metrics["base"], "champion": None, "by_kind": by_kind}
    by_drop = {drop: row | {"candidate": row["base"], "champion": None} for drop, row in one.by_drop.items()}
    costs = {part: {"evaluate": getattr(one, part)["evaluate"]} for part in ("seconds", "processor", "peaks")}
    locality = None if one.locality is None else 1.0
    return replace(one, metrics=metrics, by_drop=by_drop, tokens=0, locality=locality, stopped=None, **costs)


def mean_of(runs: Sequence[Figures]) -> Figures:
    """Each figure's mean over seeds; None where no seed has it."""
    means = {}
    for field in fields(Figures):
        known = [value for run in runs if (value := getattr(run, field.name)) is not None]
        means[field.name] = fmean(known) if known else None
    return Figures(**means)


def table(ways: dict[str, Sequence[Figures]], joint: str = "joint", own: str | None = None) -> str:
    """Markdown, a row for each way: means over its seeds, and of shares in brackets the lowest and the highest.

    Args:
        ways: the figures of each way by seed.
        joint: the way whose compute of the last update is the whole of which the others' is a share.
        own: what the kind's own measure is called; no column if None.
    """
    head = ["way", "seeds", "average", "forgetting", "backward", "stale", *([own] if own else [])]
    head += ["perplexity ratio", "locality", "tokens, last", "train s, last", "train s, all", "peak MB"]
    whole = mean_of(ways[joint]) if joint in ways else None
    return as_markdown(head, [_row(name, runs, whole, own is not None) for name, runs in ways.items()])


def _row(name: str, runs: Sequence[Figures], whole: Figures | None, own: bool) -> list[str]:
    mean = mean_of(runs)
    shares = ["average", "forgetting", "backward", "stale", *(["own"] if own else [])]
    return [
        name,
        str(len(runs)),
        *(_spread([getattr(run, share) for run in runs]) for share in shares),
        figure(mean.perplexity, 2),
        figure(mean.locality, 2),
        _of(mean.last_tokens, whole and whole.last_tokens),
        _of(mean.last_seconds, whole and whole.last_seconds),
        f"{mean.seconds:.0f}",
        f"{mean.peak_mb:.0f}",
    ]


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return percent(known[0] if known else None)
    return f"{percent(fmean(known))} ({100 * min(known):.1f} to {100 * max(known):.1f})"


def _of(value: float, whole: float | None) -> str:
    """A cost, and which share of joint training's it is."""
    return f"{value:.0f} ({100 * value / whole:.0f} %)" if whole else f"{value:.0f}"
