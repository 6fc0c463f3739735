"""The table of a learned stream: candidate, champion and untrained base side by side."""

from collections.abc import Iterable

from benchmarks.stream import Measured

HEAD = (
    "drop",
    "facts",
    "verdict",
    "current",
    "retained (champion)",
    "stale (champion)",
    "perplexity",
    "base",
    "train s",
)
HEAD += ("evaluate s", "other s", "peak MB")


def markdown(measured: Iterable[Measured]) -> str:
    """One row a drop, as Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(one))} |" for one in measured)])


def _cells(one: Measured) -> list[str]:
    candidate, champion, base = one.metrics["candidate"], one.metrics["champion"] or {}, one.metrics["base"]
    train, evaluate = one.seconds["train"], one.seconds["evaluate"]
    return [
        one.name,
        str(one.facts),
        one.verdict,
        _share(candidate["current_exact_match"]),
        f"{_share(candidate['retained_exact_match'])} ({_share(champion.get('retained_exact_match'))})",
        f"{_share(candidate['stale_rate'])} ({_share(champion.get('stale_rate'))})",
        f"{candidate['general_perplexity']:.1f}",
        f"{_share(base['current_exact_match'])}, {base['general_perplexity']:.1f}",
        f"{train:.0f}",
        f"{evaluate:.0f}",
        f"{sum(one.seconds.values()) - train - evaluate:.0f}",
        f"{one.peak_mb:.0f}",
    ]


def _share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
