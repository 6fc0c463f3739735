"""Show in Prefect's pages what happened: artifacts of intake and update."""

from prefect import task
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from abreast.core.crash_points import crash_point
from abreast.ledger import Update, Version
from abreast.ledger.rows import Status
from abreast.lifecycle.intake import IntakeResult
from abreast.reports.verdict import Verdict
from abreast.services.project import Project

SHOWN_REASONS = 50


@task(cache_policy=NO_CACHE)
def report_intake(outcomes: list[IntakeResult]) -> None:
    """One row a delivery, and the reasons of everything that went to quarantine."""
    if not outcomes:
        return
    rows = [o.model_dump(include={"name", "outcome", "rows", "accepted", "quarantined", "digest"}) for o in outcomes]
    create_table_artifact(rows, key="intake", description="What became of each delivery")
    crash_point("report.intake")
    for outcome in outcomes:
        if outcome.reasons:
            shown = "\n".join(f"- {reason}" for reason in outcome.reasons[:SHOWN_REASONS])
            more = (
                f"\n- and {len(outcome.reasons) - SHOWN_REASONS} more" if len(outcome.reasons) > SHOWN_REASONS else ""
            )
            create_markdown_artifact(f"## {outcome.name}: {outcome.outcome}\n{shown}{more}", key="quarantine")


@task(cache_policy=NO_CACHE)
def report_update(project: Project, update: Update, version: Version, verdict: Verdict, end: Status) -> None:
    """The verdict with its reasons, the card, the figures of candidate, champion and base, what is known by drop."""
    reasons = "\n".join(f"- {reason}" for reason in verdict.reasons)
    link = f"[{version.name} in MLflow]({project.registry.page(version.number)})"
    note = f"\n\nNote: {verdict.note}." if verdict.note else ""
    if end == "review":
        note += (
            f'\n\n**Waits for review**: `abreast approve {version.name} --reason "..."` or `abreast reject`, the form'
            " of the deployment `promote`, or a tag on its page in MLflow."
        )
    create_markdown_artifact(f"## {version.name}: {verdict.verdict}\n{reasons}{note}\n\n{link}", key="verdict")
    crash_point("report.verdict")
    card = project.registry.card_markdown(project.registry.card(version.number))
    create_markdown_artifact(card, key="card", description=f"{version.name} on one page, with a link to the HTML")
    create_table_artifact(figures(version.metrics), key="results", description=f"{version.name} of {update.id}")
    pictures = {
        "retention": f"Exact match by drop: base, champion, {version.name}",
        "matrix": f"What each version up to {version.name} knows of each drop",
    }
    for name, description in pictures.items():
        address = project.registry.report_url(version.number, f"{name}.png")
        create_image_artifact(address, key=name, description=description)
    crash_point("report.update")


def figures(metrics: dict) -> list[dict]:
    """One row a measure, one column a model; what is measured by kind has its place on the version's card."""
    models = ["candidate", "champion", "base", *(["in_context"] if metrics.get("in_context") else [])]
    names = [name for name, value in metrics["candidate"].items() if not isinstance(value, dict | list)]
    return [{"measure": name} | {m: _rounded((metrics[m] or {}).get(name)) for m in models} for name in names]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
