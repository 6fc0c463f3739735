"""Judge a candidate."""

import json

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.evaluation.judge import Verdict, judge
from abreast.project import Project
from abreast.registry.workspace import Workspace


@task(cache_policy=NO_CACHE)
def judge_candidate(project: Project, workspace: Workspace) -> Verdict:
    """The verdict from the measured figures and the gates in params.yaml."""
    metrics = json.loads((workspace.clone / "reports/metrics.json").read_text())
    verdict = judge(metrics, project.params.gates)
    print("\n".join([verdict.verdict, *verdict.reasons, *filter(None, [verdict.note])]))
    return verdict
