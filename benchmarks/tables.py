"""The table of a learned stream: candidate, champion and untrained base side by side."""

from collections.abc import Iterable, Sequence

from benchmarks.learn_stream import UpdateMeasurement

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


def stream_table(measured: Iterable[UpdateMeasurement]) -> str:
    """One row per drop, as Markdown."""
    return markdown_table(HEAD, map(_cells, measured))


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown."""
    return "\n".join([_line(head), f"|{'---|' * len(head)}", *map(_line, rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(one: UpdateMeasurement) -> list[str]:
    candidate, champion, base = one.metrics["candidate"], one.metrics["champion"] or {}, one.metrics["base"]
    train, evaluate = one.seconds["train"], one.seconds["evaluate"]
    return [
        one.name,
        str(one.facts),
        one.verdict,
        format_percent(candidate["current_exact_match"]),
        f"{format_percent(candidate['retained_exact_match'])} ({format_percent(champion.get('retained_exact_match'))})",
        f"{format_percent(candidate['stale_rate'])} ({format_percent(champion.get('stale_rate'))})",
        format_number(candidate["general_perplexity"], 1),
        f"{format_percent(base['current_exact_match'])}, {format_number(base['general_perplexity'], 1)}",
        f"{train:.0f}",
        f"{evaluate:.0f}",
        f"{sum(one.seconds.values()) - train - evaluate:.0f}",
        f"{one.peak_mb:.0f}",
    ]


def format_percent(share: float | None) -> str:
    """A share from 0 to 1 as people read it; a dash where nothing was measured."""
    return "–" if share is None else f"{100 * share:.1f} %"


def format_number(value: float | None, digits: int) -> str:
    """A number with `digits` decimals; a dash where nothing was measured."""
    return "–" if value is None else f"{value:.{digits}f}"
