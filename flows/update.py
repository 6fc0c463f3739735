"""Update: all accepted drops become one candidate; the verdict, or a person, decides whether it becomes champion."""

from prefect import flow
from prefect.states import Completed, State

from abreast.lifecycle.review import way_on
from abreast.services.project import Project
from tasks.claim import claim_drops, conclude, holding
from tasks.drift import compare_with_known
from tasks.judge import judge_candidate
from tasks.keep import keep_version
from tasks.prepare import prepare_workspace
from tasks.promote import promote_version
from tasks.register import register_version
from tasks.report import report_update
from tasks.request import request_update
from tasks.review import ask_for_review
from tasks.serve import try_to_serve
from tasks.stage import run_stage


@flow(name="update", log_prints=True)
def update() -> State:
    """Claim what waits, learn it in a clone, judge, register, and promote, refuse or leave it to a person.

    Nothing stands still meanwhile: what waits for a person has ended, and the next drops are learned by another update.
    """
    project = Project.open()
    claimed = claim_drops(project)
    if claimed is None:
        return Completed(message="nothing new to learn")
    with holding(project, claimed):
        workspace = prepare_workspace(project, claimed)
        for stage in workspace.stages():
            run_stage.with_options(task_run_name=stage)(workspace, stage)
        compare_with_known(project, workspace)
        try_to_serve(project, workspace)
        verdict = judge_candidate(project, workspace)
        version = register_version(project, claimed, workspace, verdict)
        end = way_on(verdict.verdict, project.params.review)
        keep_version(version, claimed, workspace)
        if end == "promoted":
            promote_version(project, version, claimed)
        elif end == "review":
            ask_for_review(project, version)
        conclude(project, claimed, workspace, verdict, end)
    report_update(project, claimed, version, verdict, end)
    request_update(project, leave_to_intake=True)
    return Completed(message=f"{version.name}: {verdict.verdict}" + (", waits for review" if end == "review" else ""))
