"""Compare what an update brings with what is known."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.evaluation.drift.comparison import drift_report
from abreast.lifecycle.drift import drift_of_update, figure_of
from abreast.reports.figures import DRIFT, write_figures
from abreast.services.project import Project
from abreast.storage.workspace import Workspace


@task(cache_policy=NO_CACHE)
def compare_with_known(project: Project, workspace: Workspace) -> None:
    """Write `reports/drift.json`, if a gate in params.yaml wants to know and there is something to compare with."""
    if not any(gate.measure == "drift" for gate in project.params.gates):
        return
    drift = drift_of_update(project, workspace.clone)
    if drift is not None:
        write_figures(workspace.clone / "reports" / DRIFT, figure_of(drift, project.params.drift.p_value))
        print(drift_report(drift))
