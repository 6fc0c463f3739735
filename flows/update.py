"""Update: all accepted drops become one candidate; the verdict decides whether it becomes the champion."""

from prefect import flow
from prefect.states import Completed, State

from abreast.project import Project
from tasks.claim import claim_drops, conclude, holding
from tasks.judge import judge_candidate
from tasks.prepare import prepare_workspace
from tasks.promote import promote_version
from tasks.register import register_version
from tasks.report import report_update
from tasks.request import request_update
from tasks.serve import try_to_serve
from tasks.stage import run_stage


@flow(name="update", log_prints=True)
def update() -> State:
    """Claim what waits, learn it in a clone, judge, register, and promote on `pass`; or say that nothing is new."""
    project = Project.open()
    claimed = claim_drops(project)
    if claimed is None:
        return Completed(message="nothing new to learn")
    with holding(project, claimed):
        workspace = prepare_workspace(project, claimed)
        for stage in workspace.stages():
            run_stage.with_options(task_run_name=stage)(workspace, stage)
        try_to_serve(project, workspace)
        verdict = judge_candidate(project, workspace)
        version = register_version(project, claimed, workspace, verdict)
        if verdict.verdict == "pass":
            promote_version(project, version, claimed, workspace)
        conclude(project, claimed, workspace, verdict)
    report_update(project, claimed, version, verdict)
    request_update(project, leave_to_intake=True)
    return Completed(message=f"{version.name}: {verdict.verdict}")
