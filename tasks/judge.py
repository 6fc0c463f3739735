"""Judge a candidate."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.gates.judge import judge
from abreast.reports.reports import read_reports
from abreast.reports.verdict import Verdict
from abreast.services.project import Project
from abreast.storage.workspace import Workspace


@task(cache_policy=NO_CACHE)
def judge_candidate(project: Project, workspace: Workspace) -> Verdict:
    """The verdict from the reports and the gates in params.yaml."""
    verdict = judge(read_reports(workspace.clone / "reports"), project.params.gates)
    print("\n".join([verdict.verdict, *verdict.reasons, *filter(None, [verdict.note])]))
    return verdict
