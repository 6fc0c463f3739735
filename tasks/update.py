"""The steps of the flow `update`, in order: claim, prepare, run stages, judge, register, keep, conclude, report."""

import contextlib
import threading
from collections.abc import Iterator

from prefect import task
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from abreast.core.crash_points import crash_point
from abreast.core.environment import environment
from abreast.core.errors import AbreastError, Unavailable
from abreast.evaluation.drift.comparison import drift_report
from abreast.gates.judge import judge
from abreast.ledger import Update, Version
from abreast.ledger.process_id import ProcessId
from abreast.ledger.rows import Status
from abreast.lifecycle.drift import drift_of_update, figure_of
from abreast.lifecycle.register import RegisteredCandidate, register_candidate
from abreast.lifecycle.snapshots import snapshot_of
from abreast.reports.figures import DRIFT, write_figures
from abreast.reports.metrics import BASE, CANDIDATE, CHAMPION, IN_CONTEXT, EvaluationMetrics, ModelMetrics
from abreast.reports.reports import read_reports
from abreast.reports.verdict import Verdict
from abreast.services.services import Services
from abreast.serving.servable import measure_serving
from abreast.storage.workspace import StageKilled, Workspace

LEASE_SECONDS = 60.0
DRIFT_AFTER = "assemble"
"""The stage whose output drift needs: drift is shown before hours of training, while a person can still act."""


@task(cache_policy=NO_CACHE)
def claim_drops(services: Services) -> Update | None:
    """Claim all waiting drops as one new update, or an update that was cut off; None if there is neither."""
    if changed := services.project.uncommitted():
        print(f"uncommitted changes are not used, an update runs on a commit: {', '.join(changed)}")
    update = services.ledger.updates.claim(services.line, services.project.commit(), ProcessId.current(), LEASE_SECONDS)
    crash_point("claim.made")
    if update:
        print(f"{update.id}: {len(update.drops)} drops, parent v{update.parent}, attempt {update.attempt}")
    return update


@contextlib.contextmanager
def holding(services: Services, update: Update) -> Iterator[None]:
    """Renew the lease in the background; an error releases the update, to be resumed later, or ends it as failed."""
    stop = threading.Event()
    keeper = threading.Thread(target=_renew, args=(services, update, stop), daemon=True)
    keeper.start()
    try:
        yield
    except Unavailable as error:
        with contextlib.suppress(AbreastError):
            services.ledger.updates.release(update, str(error))
        raise
    except Exception as error:
        # An update that is promoted already stays promoted.
        with contextlib.suppress(AbreastError):
            services.ledger.updates.advance(update, "failed", reason=_reason(error))
        raise
    finally:
        stop.set()
        keeper.join()


def _renew(services: Services, update: Update, stop: threading.Event) -> None:
    """Renew until `stop` is set or the lease is lost: fencing then refuses late writes."""
    while not stop.wait(LEASE_SECONDS / 4):
        try:
            services.ledger.updates.renew(update, LEASE_SECONDS)
        except AbreastError as error:
            print(f"{update.id}: lease not renewed: {error}")
            return


def _reason(error: Exception) -> str:
    """The error's message, with its type in front unless it is an AbreastError."""
    text = str(error) if isinstance(error, AbreastError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:2000]


@task(cache_policy=NO_CACHE)
def prepare_workspace(services: Services, update: Update) -> Workspace:
    """Make a clone on the update's commit, with the snapshot's drops and parent model."""
    workspace = Workspace(services.project, update.id)
    snapshot, pointers = snapshot_of(services.ledger, update)
    workspace.prepare(update.commit, snapshot, pointers)
    return workspace


def _was_killed(task, run, state) -> bool:
    return isinstance(state.result(raise_on_failure=False), StageKilled)


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=1, retry_condition_fn=_was_killed)
def run_stage(workspace: Workspace, stage: str) -> bool:
    """Reproduce the stage; after a kill it runs once more and resumes from its checkpoint."""
    ran = workspace.reproduce(stage)
    print(f"{stage}: {'done' if ran else 'up to date'}")
    return ran


@task(cache_policy=NO_CACHE)
def compare_with_known(workspace: Workspace) -> None:
    """Write `reports/drift.json`, if a gate needs it and there are records to compare with."""
    params = workspace.params
    if not any(gate.measure == "drift" for gate in params.gates):
        return
    drift = drift_of_update(workspace.clone, params)
    if drift is not None:
        write_figures(workspace.clone / "reports" / DRIFT, figure_of(drift, params.drift.p_value))
        print(drift_report(drift))
        create_markdown_artifact(
            f"```\n{drift_report(drift)}\n```", key="drift", description="New drops and known records"
        )


@task(cache_policy=NO_CACHE)
def try_to_serve(workspace: Workspace) -> None:
    """Load the candidate in a fresh process and ask it, if a gate needs that."""
    served = measure_serving(workspace.clone, workspace.params.gates, environment(workspace.project))
    for name, figure in served.items():
        measured = "not measured" if figure.candidate is None else f"{figure.candidate:.3g}"
        print(f"{name}: {measured} {figure.why}".rstrip())


@task(cache_policy=NO_CACHE)
def judge_candidate(workspace: Workspace) -> Verdict:
    """The verdict from the reports and the gates of the commit that the update runs on."""
    verdict = judge(read_reports(workspace.clone / "reports"), workspace.params.gates)
    print("\n".join([verdict.verdict, *verdict.reasons, *filter(None, [verdict.note])]))
    return verdict


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def register_version(services: Services, update: Update, workspace: Workspace, verdict: Verdict) -> RegisteredCandidate:
    """Write run, model, version, figures and verdict into MLflow and the ledger; registration is not promotion."""
    return register_candidate(services.ledger, services.registry, update, workspace, verdict)


@task(cache_policy=NO_CACHE, retries=2, retry_delay_seconds=5)
def keep_version(version: Version, update: Update, workspace: Workspace) -> None:
    """Push all outputs to the DVC remote, and keep the commit as a tag.

    This includes refused versions, which may be promoted by force: every version that may serve can be reproduced.
    """
    workspace.push()
    workspace.keep(f"model/{version.name}", f"Learn {len(update.drops)} drops: {version.name}")


@task(cache_policy=NO_CACHE)
def conclude(services: Services, update: Update, workspace: Workspace, verdict: Verdict, end: Status) -> None:
    """Write the end of the update into the ledger, with the reasons if it was not promoted; remove its clone."""
    if end == "promoted":
        services.ledger.updates.advance(update, end)
    else:
        held_up = [gate.reason for gate in verdict.gates if gate.asks]
        reason = "; ".join(held_up) or "passed, and waits for an approval: review.require_approval"
        services.ledger.updates.advance(update, end, reason=reason, held_up=held_up)
    crash_point("conclude.written")
    workspace.remove()
    crash_point("conclude.removed")


@task(cache_policy=NO_CACHE)
def report_update(
    services: Services, update: Update, registered: RegisteredCandidate, verdict: Verdict, end: Status
) -> None:
    """Show the verdict with its reasons, the card, the measures of each model, and accuracy by drop."""
    registry, (version, page) = services.registry, registered
    reasons = "\n".join(f"- {reason}" for reason in verdict.reasons)
    link = f"[{version.name} in MLflow]({registry.page(version.number)})"
    note = f"\n\nNote: {verdict.note}." if verdict.note else ""
    if end == "review":
        note += (
            f'\n\n**Waits for review**: `abreast approve {version.name} --reason "..."` or `abreast reject`, the form'
            " of the deployment `promote`, or a tag on its page in MLflow."
        )
    create_markdown_artifact(f"## {version.name}: {verdict.verdict}\n{reasons}{note}\n\n{link}", key="verdict")
    crash_point("report.verdict")
    card = registry.card_markdown(page)
    create_markdown_artifact(card, key="card", description=f"{version.name} on one page, with a link to the HTML")
    rows = measure_rows(EvaluationMetrics.model_validate(version.metrics))
    create_table_artifact(rows, key="results", description=f"{version.name} of {update.id}")
    pictures = {
        "retention": f"Exact match by drop: base, champion, {version.name}",
        "matrix": f"What each version up to {version.name} knows of each drop",
    }
    for name, description in pictures.items():
        address = registry.report_url(page.run, f"{name}.png")
        create_image_artifact(address, key=name, description=description)
    crash_point("report.update")


def measure_rows(metrics: EvaluationMetrics) -> list[dict]:
    """One row a measure, one column a model; the version's card has the other measures."""
    models = [CANDIDATE, CHAMPION, BASE, *([IN_CONTEXT] if metrics.in_context else [])]
    names = [name for name in ModelMetrics.model_fields if name not in ("examples", "calibration", "robustness")]
    return [
        {"measure": name} | {model: _rounded(getattr(metrics.of(model), name, None)) for model in models}
        for name in names
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
