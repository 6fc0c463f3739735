"""Update: train one candidate on all waiting drops; its verdict, or a person, decides whether it becomes champion."""

from prefect import flow
from prefect.states import Completed, State

from abreast.lifecycle.review import status_after_verdict
from abreast.services.services import Services
from tasks.maintenance import request_update
from tasks.promotion import ask_for_review, promote_candidate
from tasks.update import (
    DRIFT_AFTER,
    claim_drops,
    compare_with_known,
    conclude,
    holding,
    judge_candidate,
    keep_version,
    prepare_workspace,
    register_version,
    report_update,
    run_stage,
    try_to_serve,
)


@flow(name="update", log_prints=True)
def update() -> State:
    """Claim the waiting drops, run the stages in a clone, judge, register, then promote, refuse, or ask a person.

    An update that waits for a person has ended, so that the next update can learn the next drops.
    """
    services = Services.open()
    claimed = claim_drops(services)
    if claimed is None:
        return Completed(message="nothing new to learn")
    with holding(services, claimed):
        workspace = prepare_workspace(services, claimed)
        for stage in workspace.stages():
            run_stage.with_options(task_run_name=stage)(workspace, stage)
            if stage == DRIFT_AFTER:
                compare_with_known(workspace)
        try_to_serve(workspace)
        verdict = judge_candidate(workspace)
        registered = register_version(services, claimed, workspace, verdict)
        version = registered.version
        end = status_after_verdict(verdict.verdict, workspace.params.review)
        keep_version(version, claimed, workspace)
        if end == "promoted":
            promote_candidate(services, version, claimed)
        elif end == "review":
            ask_for_review(services, version)
        conclude(services, claimed, workspace, verdict, end)
    report_update(services, claimed, registered, verdict, end)
    request_update(services, leave_to_intake=True)
    return Completed(message=f"{version.name}: {verdict.verdict}" + (", waits for review" if end == "review" else ""))
