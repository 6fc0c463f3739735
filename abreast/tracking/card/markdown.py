"""The card as Markdown, for MLflow's page of a version, for Prefect and for a terminal."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from abreast.metrics.retention import RetentionMatrix
from abreast.tracking.card.escape import code_span, escape_text, number_text, percent_text
from abreast.tracking.card.head import fit_lines, table_row, verdict_head
from abreast.tracking.card.page import Page
from abreast.tracking.card.report_data import CardMeasure, ChangedAnswers, ReportData
from abreast.tracking.retention_matrix import FIGURES, SHOWN, shown

BODY = 3400
"""The characters of MLflow's description (`head.LIMIT`) for everything below the head, which has the gates."""
WHO = {
    "candidate": "this version",
    "champion": "champion",
    "base": "untrained base",
    "in_context": "base with examples",
}


class Room(NamedTuple):
    """How many of each are shown; None means all."""

    drops: int | None = None
    worse: int | None = None
    better: int | None = None
    kinds: int | None = None


_ROOMS = (Room(20, 30, 10), Room(20, 15, 10), Room(10, 10, 5), Room(5, 6, 3), Room(5, 3, 1), Room(3, 1, 0))


def full_card(page: Page, server: str) -> str:
    """The complete card with its verdict, if there is one; `server` is MLflow's address, for picture and links."""
    parts = [f"# {page.version or page.update} of {escape_text(page.line)}"]
    if page.verdict is not None:
        parts.append(verdict_head(page.verdict))
    body = _body(page, Room(), f"{server}/{address(page)}", _table(page))
    return "\n\n".join([*parts, body])


def description(page: Page) -> str:
    """All but the head, cut to `BODY` characters: fewer answers first, then figures by kind, then drops.

    Addresses are relative to MLflow's own pages.
    """
    for room in _ROOMS:
        if len(text := _body(page, room, address(page), _picture(page))) <= BODY:
            break
    return fit_lines(text, BODY)


def address(page: Page) -> str:
    """Where MLflow shows the card as it is to be read and printed, relative to the server."""
    return f"#/experiments/{page.experiment}/runs/{page.run}/artifacts/reports/card.html"


def _body(page: Page, room: Room, link: str, retention: str) -> str:
    data = page.data
    parts = [
        f"{summary(data)} [The card to read and to print]({link})",
        measure_table(data.models, data.measures),
        _arrived(page, room.drops),
        _section("Lost", data.lost, room.worse, link),
        _section("Stale", data.stale, room.worse, link),
        _section("Learned", data.learned, room.better, link),
        f"### Retention by drop\n{retention_summary(page.retention)}\n\n{retention}",
        f"### By kind of record\n{measure_table(data.models, data.kinds[: room.kinds])}" if data.kinds else "",
        origin_section(page),
    ]
    return "\n\n".join(filter(None, parts))


def summary(data: ReportData) -> str:
    """One line: how many answers changed for the better, and for the worse."""
    better, worse, stale = data.learned.count, data.lost.count, data.stale.count
    return (
        f"**{better}** answers changed for the better, **{worse}** for the worse; "
        f"**{stale}** {'is' if stale == 1 else 'are'} out of date."
    )


def measure_table(models: Sequence[str], measures: Sequence[CardMeasure]) -> str:
    """All models side by side, a row for each measure."""
    rows = [table_row(("measure", *(WHO[one] for one in models))), "|---" * (len(models) + 1) + "|"]
    for measure in measures:
        rows.append(table_row((measure_label(measure), *(measure_value(measure, one) for one in measure.values))))
    return "\n".join(rows)


def measure_label(measure: CardMeasure) -> str:
    """The meaning of a measure, with the number of questions if the meaning does not have it."""
    counted = f" ({measure.n} questions)" if measure.n is not None and "." not in measure.name else ""
    return f"{escape_text(measure.meaning)}{counted}"


def measure_value(measure: CardMeasure, figure: float | None) -> str:
    """A share in percent; a perplexity, and the measures of one kind of record, as they are."""
    return number_text(figure) if "." in measure.name or "perplexity" in measure.name else percent_text(figure)


def _arrived(page: Page, room: int | None) -> str:
    rows = ["### What arrived", table_row(("drop", "rows", "taken", "quarantined", "kinds", "digest"))]
    rows.append("|---|---|---|---|---|---|")
    for drop in page.drops[:room]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in drop.kinds.items())
        counts = (str(drop.rows), str(drop.accepted), str(drop.quarantined))
        rows.append(table_row((escape_text(drop.name), *counts, kinds, f"`{drop.digest[:12]}`")))
    if rest := page.drops[len(page.drops[:room]) :]:
        sums = (sum(getattr(drop, name) for drop in rest) for name in ("rows", "accepted", "quarantined"))
        rows.append(table_row((f"and {len(rest)} more", *map(str, sums), "", "")))
    return "\n".join(rows)


def _section(title: str, changed: ChangedAnswers, room: int | None, link: str) -> str:
    lines = [f"### {title}: {changed.count}"]
    answers = changed.answers[:room]
    for answer in answers:
        lines.append(f"- {escape_text(answer.question)} {code_span(answer.now)}; before {code_span(answer.before)}")
        if answer.right != answer.now:
            lines[-1] += f", correct is {code_span(answer.right)}"
    if (more := changed.count - len(answers)) and changed.count > len(changed.answers):
        lines.append(f"- and {more} more in the run's `reports/answers.jsonl`")
    elif more:
        lines.append(f"- and {more} more on [the card]({link})")
    return "\n".join(lines)


def retention_summary(matrix: RetentionMatrix) -> str:
    """The figures of the retention matrix in one line."""
    found = ((name.replace("_", " "), of(matrix)) for name, of in FIGURES.items())
    return ", ".join(f"{name} {figure:.3g}" for name, figure in found if figure is not None)


def _picture(page: Page) -> str:
    query = urlencode({"path": "reports/matrix.png", "run_uuid": page.run})
    return f"![accuracy of each version on each drop](get-artifact?{query})"


def _table(page: Page) -> str:
    """The last rows and columns of the matrix."""
    matrix = shown(page.retention)
    drops = matrix.drops[-SHOWN:]
    rows = [table_row(("accuracy on", *map(escape_text, drops))), "|---" * (len(drops) + 1) + "|"]
    for version, scores in list(zip(matrix.versions, matrix.scores, strict=True))[-SHOWN:]:
        rows.append(table_row((version, *map(percent_text, scores[-SHOWN:]))))
    return "\n".join(rows)


def origin_section(page: Page) -> str:
    """Where the version comes from."""
    chain = " ← ".join((page.version or "this version", *page.parents, "the base model"))
    return (
        f"### Where it comes from\n{chain}\n\n"
        f"Update {page.update} at commit `{page.commit[:12]}`, run `{page.run}`, snapshot `{page.snapshot[:12]}`, "
        f"model `{page.digest[:12]}`."
    )
