"""The summary of a retention method over its seeds, from the measurements at each drop, and the table of summaries."""

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
from benchmarks.learn_stream import UpdateMeasurement
from benchmarks.tables import format_number, format_percent, markdown_table


@dataclass(frozen=True)
class RetentionSummary:
    """One method with one seed. Shares are from 0 to 1; "last" is the update with the last drop."""

    average: float | None
    forgetting: float | None
    backward: float | None
    stale: float | None
    """The highest stale rate after any drop."""
    own: float | None
    """The kind's own measure on all valid records after the last drop, if the stream names one."""
    perplexity: float | None
    """Of general text, divided by the untrained base's, after the last drop; None for a base without perplexity."""
    locality: float | None
    """Agreement with the base on unrelated questions after the last drop; None for an encoder."""
    last_tokens: float
    last_seconds: float
    seconds: float
    peak_mb: float


def summarize(done: Sequence[UpdateMeasurement], measure: tuple[str, str] | None) -> RetentionSummary:
    """Summarize one run; `measure` is kind and name in `reports/metrics.json`."""
    found, last = retention_matrix(done), done[-1]
    stale = [one.metrics["candidate"]["stale_rate"] for one in done]
    return RetentionSummary(
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


def retention_matrix(done: Sequence[UpdateMeasurement]) -> RetentionMatrix:
    """R[version, drop]: the share of right answers on the records of a drop that were still valid."""
    return matrix_of_updates((f"v{number}", one.by_drop) for number, one in enumerate(done, start=1))


def as_zero_shot(done: Sequence[UpdateMeasurement]) -> list[UpdateMeasurement]:
    """The untrained base on the questions of a run, as if it were a method."""
    return [_as_base(one) for one in done]


def _as_base(one: UpdateMeasurement) -> UpdateMeasurement:
    by_kind = {kind: held | {"candidate": held["base"]} for kind, held in one.metrics["by_kind"].items()}
    metrics = one.metrics | {"candidate": one.metrics["base"], "champion": None, "by_kind": by_kind}
    by_drop = {drop: row | {"candidate": row["base"], "champion": None} for drop, row in one.by_drop.items()}
    costs = {part: {"evaluate": getattr(one, part)["evaluate"]} for part in ("seconds", "processor", "peaks")}
    locality = None if one.locality is None else 1.0
    return replace(one, metrics=metrics, by_drop=by_drop, tokens=0, locality=locality, stopped=None, **costs)


def mean_summary(runs: Sequence[RetentionSummary]) -> RetentionSummary:
    """Each field's mean over seeds; None where no seed has it."""
    means = {}
    for field in fields(RetentionSummary):
        known = [value for run in runs if (value := getattr(run, field.name)) is not None]
        means[field.name] = fmean(known) if known else None
    return RetentionSummary(**means)


def summary_table(methods: dict[str, Sequence[RetentionSummary]], joint: str = "joint", own: str | None = None) -> str:
    """Markdown, one row per method: means over its seeds, and for shares the lowest and highest in brackets.

    Args:
        methods: the summaries of each method by seed.
        joint: the method whose compute of the last update counts as 100 %.
        own: the name of the kind's own measure; no column if None.
    """
    head = ["method", "seeds", "average", "forgetting", "backward", "stale", *([own] if own else [])]
    head += ["perplexity ratio", "locality", "tokens, last", "train s, last", "train s, all", "peak MB"]
    whole = mean_summary(methods[joint]) if joint in methods else None
    return markdown_table(head, [_row(name, runs, whole, own is not None) for name, runs in methods.items()])


def _row(name: str, runs: Sequence[RetentionSummary], whole: RetentionSummary | None, own: bool) -> list[str]:
    mean = mean_summary(runs)
    shares = ["average", "forgetting", "backward", "stale", *(["own"] if own else [])]
    return [
        name,
        str(len(runs)),
        *(_spread([getattr(run, share) for run in runs]) for share in shares),
        format_number(mean.perplexity, 2),
        format_number(mean.locality, 2),
        _of(mean.last_tokens, whole and whole.last_tokens),
        _of(mean.last_seconds, whole and whole.last_seconds),
        f"{mean.seconds:.0f}",
        f"{mean.peak_mb:.0f}",
    ]


def _spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return format_percent(known[0] if known else None)
    return f"{format_percent(fmean(known))} ({100 * min(known):.1f} to {100 * max(known):.1f})"


def _of(value: float, whole: float | None) -> str:
    """A cost, and its share of joint training's."""
    return f"{value:.0f} ({100 * value / whole:.0f} %)" if whole else f"{value:.0f}"
