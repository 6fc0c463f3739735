"""Try whether a candidate can be served."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from abreast.services.environment import environment
from abreast.services.project import Project
from abreast.serving.servable import measure_serving
from abreast.storage.workspace import Workspace


@task(cache_policy=NO_CACHE)
def try_to_serve(project: Project, workspace: Workspace) -> None:
    """Load the candidate in a fresh process and ask it, as far as the gates in params.yaml want to know."""
    for name, figure in measure_serving(workspace.clone, project.params.gates, environment(project)).items():
        print(
            f"{name}: {'not measured' if figure.candidate is None else f'{figure.candidate:.3g}'} {figure.why}".rstrip()
        )
